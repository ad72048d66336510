import { Layout, digestOf } from "@ocilot/layout";
import { copyLayout } from "@ocilot/referrers";
import { expect, it } from "vitest";
import { type Subject, UNKNOWN } from "./content.js";
import { codeOf, referrersOf } from "./outcomes.js";

/** Reading `index.json`, and what follows from it. */
export function describeIndex(current: () => Subject): void {
  it("reads the same index twice, with tags and referrers, and resolves both", async () => {
    const { layout, content } = current();
    const first = await layout.index.read();
    expect((await layout.index.read()).digest).toBe(first.digest);
    expect(digestOf(first.bytes)).toBe(first.digest);
    expect(JSON.parse(first.text)).toMatchObject({ schemaVersion: 2 });
    expect(first.entries.map((e) => e.position)).toEqual(first.entries.map((_, i) => i));
    expect(await layout.resolve("v1")).toMatchObject({ digest: content.image.digest, size: content.image.size });
    expect(await layout.resolve(`@${content.child.digest}`)).toMatchObject({
      mediaType: content.child.mediaType,
      size: content.child.size,
    });
    expect(await codeOf(layout.resolve("v2"))).toBe("REF_NOT_FOUND");
    expect(await codeOf(layout.resolve(`@${UNKNOWN}`))).toBe("REF_NOT_FOUND");
  });

  it("shows referrers, nested ones too, with their type and annotations", async () => {
    const { layout, content } = current();
    const found = await referrersOf(layout, content.image.digest);
    expect(found).toMatchObject([
      {
        descriptor: { digest: content.referrer.digest, artifactType: "application/vnd.example.sbom", annotations: { no: "1" } },
        link: "S",
        verified: true,
        referrers: [{ descriptor: { digest: content.nested.digest } }],
      },
    ]);
  });

  it("is copied whole into memory, with every blob", async () => {
    const { layout, content } = current();
    const target = Layout.inMemory();
    await copyLayout(layout, target);
    for (const [digest, bytes] of content.builder.blobs) {
      const size = await target.blobs.size(digest);
      expect([digest, size]).toEqual([digest, bytes.length]);
    }
    expect(await referrersOf(target, content.image.digest)).toMatchObject([
      { referrers: [{ descriptor: { digest: content.nested.digest } }] },
    ]);
    const tags = (await target.index.read()).entries.flatMap((e) => e.tag ?? []);
    expect(tags.filter((tag) => !tag.startsWith("sha256-")).toSorted()).toEqual(["sha512", "v1"]);
  });
}
