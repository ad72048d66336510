import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { MANIFEST, REF_NAME, fixture, fixtureNames, inScratch } from "./layouts.js";
import { suite } from "./suite.js";
import { DAMAGES, Subject, agreementTable, judge, ocilotCodes } from "./verdicts.js";

const PAGE = fileURLToPath(new URL("../../docs/findings.md", import.meta.url));

/** Where a program takes a fixture in which ocilot finds an error, or the other way round; docs/findings.md says why. */
const KNOWN: Readonly<Record<string, { readonly oras: string; readonly skopeo: string }>> = {
  "edge/docker-types-after-umoci-gc": { oras: "takes", skopeo: "takes" },
  "edge/wrong-subject-size": { oras: "refuses", skopeo: "takes" },
};
/** Errors for ocilot alone: what they are about, no program looks at. */
const ERRORS = new Set(["BLOB_MISSING", "SUBJECT_MISMATCH", "REFERRER_UNLISTED"]);

function tagsOf(name: string): { tag: string; mediaType: string; digest: string }[] {
  const { manifests } = JSON.parse(readFileSync(join(fixture(name), "index.json"), "utf8")) as { manifests: any[] | null };
  const roots = (manifests ?? []).filter((m) => m.annotations?.[REF_NAME] && !/^sha\d+-/.test(m.annotations[REF_NAME]));
  return roots.map((m) => ({ tag: m.annotations[REF_NAME] as string, mediaType: m.mediaType as string, digest: m.digest as string }));
}

suite("verify and the real programs", { needs: ["oras", "skopeo", "umoci"], concurrent: true }, (check) => {
  for (const name of fixtureNames()) {
    const roots = tagsOf(name);
    if (roots.length === 0) continue;
    check(`${name}: taken by both, or known to differ`, async () => {
      const isSound = (await ocilotCodes(fixture(name))).every((code) => !ERRORS.has(code));
      for (const { tag, mediaType, digest } of roots) {
        const verdicts = await judge(fixture(name), tag);
        const expected = KNOWN[name] ?? { oras: "takes", skopeo: "takes" };
        expect({ tag, isSound, oras: verdicts["oras discover"], skopeo: verdicts["skopeo inspect --raw"] }).toEqual({
          tag,
          isSound: !(name in KNOWN),
          ...expected,
        });
        // umoci knows OCI images with sha256 digests and one platform, and nothing else.
        const isKnown = mediaType === MANIFEST && digest.startsWith("sha256:");
        expect([tag, verdicts["umoci stat"]]).toEqual([tag, isKnown ? "takes" : "refuses"]);
      }
    });
  }

  for (const [name, tag] of [
    ["edge/annotation-only-link", "v1"],
    ["edge/buildkit-inline-cache", "latest"],
  ] as const) {
    for (const damage of DAMAGES) {
      check(`${name}: ${damage.name}`, async () => {
        await inScratch(async (directory) => {
          const subject = new Subject(name, tag, join(directory, "layout"));
          const before = await ocilotCodes(subject.dir);
          damage.apply(subject);
          const verdicts = await judge(subject.dir, tag);
          const refuse = ["oras", "skopeo", "umoci"].filter((_, i) => Object.values(verdicts)[i] === "refuses").join(" ");
          const found = (await ocilotCodes(subject.dir)).filter((code) => !before.includes(code));
          // Nobody refuses what ocilot passes over.
          expect({ ocilot: found.join(" "), refuse }).toEqual({ ocilot: damage.ocilot, refuse: damage.refuse });
          expect(refuse === "" || found.length > 0).toBe(true);
        });
      });
    }
  }

  check("docs/findings.md shows this table", () => {
    // The formatter aligns columns.
    const plain = (text: string): string => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
    expect(plain(readFileSync(PAGE, "utf8"))).toContain(plain(agreementTable()));
  });
});
