import { type Descriptor, type Digest, Layout, digestOf } from "@ocilot/layout";
import { attach, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, fixtureNames } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf, foundBy } from "./helpers.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function imageLayout(): { layout: Layout; image: Descriptor; builder: LayoutBuilder } {
  const builder = new LayoutBuilder();
  const image = builder.image();
  return { layout: builder.entry(image, { tag: "v1" }).layout(), image, builder };
}

async function blobCount(layout: Layout): Promise<number> {
  let count = 0;
  for await (const _ of layout.blobs.list()) count++;
  return count;
}

describe("attach", () => {
  test.each(fixtureNames("layouts"))("%s: the new referrer is found by oras' model, and no link is lost", async (name) => {
    const layout = fixtureLayout(`layouts/${name}`);
    const before = (await readGraph(await openView(layout))).edges();
    const subject = (await layout.index.read()).entries[0]!.descriptor.digest;
    const { digest } = await attach(layout, subject, { artifactType: "a/b" }, { conventions: ["universal"] });
    const view = await openView(layout);
    const graph = await readGraph(view);
    for (const edge of before) expect(graph.has(edge.subject, edge.referrer.digest)).toBe(true);
    for (const tool of ["oras", "regctl", "olareg", "containerd"])
      expect((await foundBy(tool, view, [subject]))[subject], tool).toContain(digest);
  });

  test("an absent subject is refused before a layer is stored", async () => {
    const { layout } = imageLayout();
    const before = await blobCount(layout);
    const absent = `sha256:${"1".repeat(64)}` as Digest;
    const layers = [{ source: bytes("x"), mediaType: "text/plain" }];
    expect((await errorOf(attach(layout, absent, { artifactType: "a/b", layers }))).code).toBe("REF_NOT_FOUND");
    expect(await blobCount(layout)).toBe(before);
    await attach(layout, { digest: absent, size: 5 }, { artifactType: "a/b" }, { allowDangling: true });
    expect((await readGraph(await openView(layout))).of(absent)).toHaveLength(1);
  });

  test.each([
    ["another subject", (d: Descriptor) => ({ ...d, digest: digestOf(bytes("other")) })],
    ["another size", (d: Descriptor) => ({ ...d, size: d.size + 1 })],
    ["another media type", (d: Descriptor) => ({ ...d, mediaType: "application/vnd.oci.image.index.v1+json" })],
    ["none", () => undefined],
  ])("a manifest whose subject is wrong is refused and not kept: %s", async (_, change) => {
    const { layout, image, builder } = imageLayout();
    const text = new TextDecoder().decode(builder.blobs.get(builder.referrer(image).digest));
    const manifest = bytes(JSON.stringify({ ...(JSON.parse(text) as object), subject: change(image) }));
    const before = await blobCount(layout);
    expect(await errorOf(attach(layout, image.digest, { manifest }))).toMatchObject({
      code: "WRITE_REFUSED",
      details: { reason: "not-a-referrer" },
    });
    expect(await blobCount(layout)).toBe(before);
  });

  test("what cannot be recorded leaves no manifest that a scan would find", async () => {
    const { layout, image } = imageLayout();
    const error = await errorOf(attach(layout, image.digest, { artifactType: "a/b" }, { conventions: ["buildkit"] }));
    expect(error.code).toBe("CONVERSION_REFUSED");
    expect(await (await openView(layout, { scan: true })).unlisted()).toEqual([]);
  });

  test("a blob is no subject", async () => {
    const { layout, builder } = imageLayout();
    const config = [...builder.blobs.keys()][0]!;
    expect((await errorOf(attach(layout, config, { artifactType: "a/b" }))).code).toBe("USAGE");
  });
});
