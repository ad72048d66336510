import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { TOOLS, openView } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { expect } from "vitest";
import { inScratch } from "./layouts.js";
import { suite } from "./suite.js";
import { must } from "./tools.js";

/** Forms of `index.json`; the last two hold another image that only the second list names. */
const FORMS: Readonly<Record<string, (text: string, other: string) => string>> = {
  "a right one": (text) => text,
  Manifests: (text) => text.replace('"manifests"', '"Manifests"'),
  "a long s": (text) => text.replace('"manifests"', '"manife\u017fts"'),
  "Digest and mediatype": (text) => text.replaceAll('"digest"', '"Digest"').replaceAll('"mediaType"', '"mediatype"'),
  "bytes after it": (text) => `${text}{"more":1}`,
  "an empty list before": (text) => text.replace("{", '{"manifests":[],'),
  "another list behind": (text, other) => `${text.slice(0, -1)},"MANIFESTS":[${other}]}`,
  "a shorter list behind, which keeps an annotation of the first": (text, other) =>
    `${text.slice(0, -1)},"MANIFESTS":[${other.replace(/,"annotations":\{[^}]*\}/, "")}]}`,
};

suite("index.json in forms that Go reads otherwise", { needs: ["oras"] }, (check) => {
  for (const [name, spell] of Object.entries(FORMS)) {
    check(`${name}: ocilot reads the tags and referrers that oras reads`, async () => {
      await inScratch(async (scratch) => {
        const b = new LayoutBuilder();
        const image = b.image();
        b.entry(image, { tag: "v1" }).listed(b.referrer(image));
        const { mediaType, digest, size } = b.image();
        const other = JSON.stringify({ mediaType, digest, size, annotations: { "org.opencontainers.image.ref.name": "other" } });
        const dir = join(scratch, "layout");
        await b.directory(dir);
        await writeFile(join(dir, "index.json"), spell(b.text(), other));
        const layout = await Layout.open(dir);
        const { entries } = await layout.index.read();
        const tags = entries.flatMap((e) => e.tag ?? []);
        expect(tags.toSorted()).toEqual((await must("oras", ["repo", "tags", "--oci-layout", dir])).trim().split("\n").toSorted());
        const oras = TOOLS.find((t) => t.id === "oras")!;
        for (const { descriptor } of entries) {
          const seen = await must("oras", ["discover", "--format", "json", "--oci-layout", `${dir}@${descriptor.digest}`]);
          const { referrers } = JSON.parse(seen) as { referrers: { digest: string }[] | null };
          expect(await oras.finds(await openView(layout), descriptor.digest)).toEqual((referrers ?? []).map((r) => r.digest));
        }
      });
    });
  }
});
