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
    const target = new Layout(memoryBackend());
    expect((await copyLayout(layout, target)).unreferenced.blobs).toBe(0);
    expect((await target.index.read()).text).toBe((await layout.index.read()).text);
    expect((await verifyLayout(target)).findings.filter((f) => f.code === "UNREFERENCED_BLOB")).toEqual([]);
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

test("members that index.json has stay as they are, and what other members are is no matter", async () => {
  const builder = new LayoutBuilder();
  builder.entry(builder.image(), { tag: "v1" });
  const members = { artifactType: "application/vnd.example", "x-big": { list: [1, null, { "<": "\u2028" }], yes: true }, __proto__x: "" };
  Object.assign(builder.tail, members);
  const target = new Layout(memoryBackend());
  await target.index.update(() => [{ op: "add-member", name: "x-big", value: "own" }]);
  await copyLayout(builder.layout(), target);
  expect((await target.index.read()).otherMembers).toEqual({ ...members, "x-big": "own" });
});
