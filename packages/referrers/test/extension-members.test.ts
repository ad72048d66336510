import { type Descriptor, Layout, memoryBackend } from "@ocilot/layout";
import { collectGarbage, copyLayout, detach, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf } from "./helpers.js";

const plain = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });

const places: Record<string, (b: LayoutBuilder, d: Descriptor) => void> = {
  "a member of index.json": (b, d) => (b.tail["x-ext"] = { manifests: [plain(d)] }),
  "the subject of index.json": (b, d) => (b.tail["subject"] = plain(d)),
  "a member of an entry": (b, d) => b.entry(b.image(), { tag: "v2", members: { "x-sees": [d.digest] } }),
};

describe.each(Object.entries(places))("what only %s names", (_, name) => {
  function make(): { layout: Layout; named: Descriptor; builder: LayoutBuilder } {
    const builder = new LayoutBuilder();
    builder.entry(builder.image(), { tag: "v1" });
    const named = builder.image();
    name(builder, named);
    return { layout: builder.layout(), named, builder };
  }

  test("is no garbage, with everything that it needs", async () => {
    const { layout, builder } = make();
    expect((await verifyLayout(layout)).findings.filter((f) => f.code === "UNREFERENCED_BLOB")).toEqual([]);
    const loose = builder.blob("loose");
    const withLoose = builder.layout();
    expect((await collectGarbage(withLoose, { grace: 0 })).removed.map((r) => r.digest)).toEqual([loose.digest]);
  });

  test("is copied with everything, and damage to it is found", async () => {
    const { layout, named, builder } = make();
    const target = await copyLayout(layout, new Layout(memoryBackend()));
    expect(target.unreferenced.blobs).toBe(0);
    const layer = (JSON.parse(new TextDecoder().decode(builder.blobs.get(named.digest))) as { layers: Descriptor[] }).layers[0]!;
    builder.forget(layer);
    expect((await verifyLayout(builder.layout())).findings.map((f) => f.code)).toContain("BLOB_MISSING");
  });

  test("is not detached", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.entry(image, { tag: "v1" }).listed(referrer);
    name(builder, referrer);
    expect(await errorOf(detach(builder.layout(), referrer.digest))).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "held" } });
  });
});
