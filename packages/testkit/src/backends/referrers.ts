import { attach, copyLayout, detach } from "@ocilot/referrers";
import { expect, it } from "vitest";
import { LayoutBuilder } from "../layout-builder.js";
import type { Subject } from "./content.js";
import { referrersOf } from "./outcomes.js";

/** Referrers that are attached, detached and copied. */
export function describeReferrers(current: () => Subject): void {
  it("attaches, finds and detaches a referrer, of an image, of a platform, of a referrer", async () => {
    const { layout, content } = current();
    const artifact = (name: string): Parameters<typeof attach>[2] => ({
      artifactType: "application/vnd.example.note",
      layers: [{ source: new TextEncoder().encode(name), mediaType: "text/plain" }],
    });
    for (const subject of [content.image, content.child, content.referrer]) {
      const before = (await referrersOf(layout, subject.digest)).map((r) => r.descriptor.digest);
      const added = await attach(layout, subject.digest, artifact(subject.digest));
      expect(await attach(layout, subject.digest, artifact(subject.digest))).toEqual(added);
      const found = (await referrersOf(layout, subject.digest)).map((r) => r.descriptor.digest);
      expect(found.toSorted()).toEqual([...before, added.digest].toSorted());
      expect(await detach(layout, added.digest)).toEqual({ removed: [{ subject: subject.digest, referrer: added.digest }] });
      expect((await referrersOf(layout, subject.digest)).map((r) => r.descriptor.digest)).toEqual(before);
      expect(await layout.blobs.has(added.digest)).toBe(false);
    }
  });

  it("takes a copy of another layout with all referrers, twice without a change", async () => {
    const { layout } = current();
    const other = new LayoutBuilder();
    const image = other.image({ annotations: { other: "image" } });
    const [a, b] = [other.referrer(image, { annotations: { a: "1" } }), other.referrer(image, { annotations: { b: "1" } })];
    const above = other.referrer(b);
    const source = other.entry(image, { tag: "copied" }).listed(a).listed(b).listed(above).layout();
    const first = await copyLayout(source, layout, { reference: "copied" });
    expect(first).toMatchObject({ tag: "copied", referrers: 3 });
    const found = await referrersOf(layout, image.digest);
    expect(found.map((r) => r.descriptor.digest).toSorted()).toEqual([a.digest, b.digest].toSorted());
    expect(found.flatMap((r) => r.referrers ?? []).map((r) => r.descriptor.digest)).toEqual([above.digest]);
    const { digest } = await layout.index.read();
    expect(await copyLayout(source, layout, { reference: "copied" })).toMatchObject({ written: { blobs: 0, bytes: 0 } });
    expect((await layout.index.read()).digest).toBe(digest);
  });
}
