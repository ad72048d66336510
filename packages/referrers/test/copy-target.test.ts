import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, Layout, REF_NAME, blobPath } from "@ocilot/layout";
import { collectGarbage, copyLayout, openView, readGraph, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder, tempDir } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf, linksOf } from "./helpers.js";

async function empty(): Promise<Layout> {
  return await Layout.create(join(tempDir(), "out"), { sync: false });
}

function imageAnd(change: (builder: LayoutBuilder, image: Descriptor) => void = () => undefined): {
  source: Layout;
  image: Descriptor;
  builder: LayoutBuilder;
} {
  const builder = new LayoutBuilder();
  const image = builder.image({ annotations: { n: String(Math.random()) } });
  builder.entry(image, { tag: "v1" });
  change(builder, image);
  return { source: builder.layout(), image, builder };
}

describe("what a copy refuses", () => {
  test("missing content, before anything is made", async () => {
    const { builder, image } = imageAnd();
    const referrer = builder.referrer(image);
    builder.listed(referrer);
    const layer = (JSON.parse(new TextDecoder().decode(builder.blobs.get(referrer.digest))) as { layers: Descriptor[] }).layers[0]!;
    builder.forget(layer);
    const dir = join(tempDir(), "deep/out");
    const error = await errorOf(copyLayout(builder.layout(), async () => await Layout.create(dir), { reference: "v1" }));
    expect(error).toMatchObject({ code: "BLOB_NOT_FOUND", details: { digest: layer.digest } });
    expect(existsSync(dir)).toBe(false);
    const { missing } = await copyLayout(builder.layout(), async () => await Layout.create(dir), { reference: "v1", allowMissing: true });
    expect(missing.map((d) => d.digest)).toEqual([layer.digest]);
  });

  test("a link that the convention cannot hold, before anything is made", async () => {
    const { source } = imageAnd((b, image) => b.listed(b.referrer(image, { shape: "oras-artifact" })));
    const dir = join(tempDir(), "out");
    const error = await errorOf(
      copyLayout(source, async () => await Layout.create(dir), { reference: "v1", conventions: ["cosign-tags"] }),
    );
    expect(error.code).toBe("CONVERSION_REFUSED");
    expect(existsSync(dir)).toBe(false);
  });

  test("a tag on something else, unless forced; then what bore it stays listed", async () => {
    const [a, b] = [imageAnd(), imageAnd()];
    const target = await empty();
    await copyLayout(a.source, target, { reference: "v1" });
    const { text } = await target.index.read();
    expect(await errorOf(copyLayout(b.source, target, { reference: "v1" }))).toMatchObject({
      code: "WRITE_REFUSED",
      details: { reason: "tag-taken" },
    });
    expect((await target.index.read()).text).toBe(text);
    expect(await target.blobs.has(b.image.digest)).toBe(false);
    await copyLayout(b.source, target, { reference: "v1", force: true });
    const { entries } = await target.index.read();
    expect(entries.map((e) => [e.descriptor.digest, e.tag])).toEqual([
      [a.image.digest, undefined],
      [b.image.digest, "v1"],
    ]);
  });

  test("a tag of cosign's on another signature, for then its link would be gone", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const sign = (b: LayoutBuilder): void => {
      const signature = b.image({ annotations: { by: String(b.entries.length) } });
      b.entry(signature, { tag: `${image.digest.replace(":", "-")}.sig` });
    };
    builder.entry(image, { tag: "v1" });
    sign(builder);
    const source = builder.layout();
    const target = await empty();
    await copyLayout(source, target, { reference: "v1" });
    expect(linksOf((await readGraph(await openView(target))).edges())).toEqual(linksOf((await readGraph(await openView(source))).edges()));
    const other = new LayoutBuilder();
    for (const [digest, bytes] of builder.blobs) other.blobs.set(digest, bytes);
    other.entry(image, { tag: "v1" });
    for (let i = 0; i < 5; i++) other.image();
    sign(other);
    expect(await errorOf(copyLayout(other.layout(), target, { reference: "v1" }))).toMatchObject({ code: "WRITE_REFUSED" });
  });

  test("a name that cannot be a tag", async () => {
    const { source } = imageAnd();
    expect((await errorOf(copyLayout(source, await empty(), { reference: "v1", tag: "no tag" }))).code).toBe("UNSAFE_NAME");
  });

  test("an interrupted one names nothing", async () => {
    const { source } = imageAnd();
    const target = await empty();
    expect((await errorOf(copyLayout(source, target, { reference: "v1", signal: AbortSignal.abort() }))).code).toBe("ABORTED");
    expect((await target.index.read()).entries).toEqual([]);
  });

  test("damaged content, whatever its size", async () => {
    for (const size of [10, 200_000]) {
      const { builder, image } = imageAnd();
      const dir = join(tempDir(), "source");
      const layer = builder.blob("x".repeat(size));
      builder.entry(builder.image({ members: { layers: [layer] } }), { tag: "v2" });
      const source = await builder.directory(dir);
      writeFileSync(join(dir, blobPath(layer.digest)), "y".repeat(size));
      const target = await empty();
      expect((await errorOf(copyLayout(source, target, { reference: "v2" }))).code).toBe("BLOB_CORRUPT");
      expect(await target.blobs.has(layer.digest)).toBe(false);
      expect((await target.index.read()).entries).toEqual([]);
      expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
      expect(image.size).toBeGreaterThan(0);
    }
  });
});

describe("where a copy goes", () => {
  test("the same layout: another tag, and nothing else", async () => {
    const { builder } = imageAnd((b, image) => b.listed(b.referrer(image)));
    const layout = await builder.directory(join(tempDir(), "l"));
    const before = (await layout.index.read()).entries;
    const { written } = await copyLayout(layout, layout, { reference: "v1", tag: "v2" });
    expect(written.blobs).toBe(0);
    const after = (await layout.index.read()).entries;
    expect(
      after
        .map((e) => e.tag)
        .filter(Boolean)
        .toSorted(),
    ).toEqual(["v1", "v2"]);
    expect(after).toHaveLength(before.length + 1);
    const { text } = await layout.index.read();
    await copyLayout(layout, layout);
    expect((await layout.index.read()).text).toBe(text);
  });

  test("the target's own conventions are spoken on", async () => {
    const target = imageAnd((b, image) =>
      b.entry(b.list([b.referrer(image)]), { annotations: { [REF_NAME]: image.digest.replace(":", "-") } }),
    );
    const there = await target.builder.directory(join(tempDir(), "t"));
    const { source } = imageAnd((b, image) => b.listed(b.referrer(image)));
    await copyLayout(source, there, { reference: "v1", tag: "other" });
    const by = (await readGraph(await openView(there))).edges().flatMap((e) => e.evidence.map((v) => v.convention));
    expect([...new Set(by)]).toEqual(["regclient"]);
  });

  test("with link the very files are there, manifests are checked, and the source keeps its modes", async () => {
    const { builder } = imageAnd();
    const layer = builder.blob("x".repeat(100_000));
    builder.entry(builder.image({ members: { layers: [layer] } }), { tag: "v2" });
    const source = await builder.directory(join(tempDir(), "s"));
    const target = await empty();
    const { written } = await copyLayout(source, target, { reference: "v2", link: true });
    expect(written.bytes).toBeGreaterThan(100_000);
    const inode = (l: Layout, d: Descriptor): number => statSync(join(l.location, blobPath(d.digest))).ino;
    expect(inode(target, layer)).toBe(inode(source, layer));
    const manifest = await source.resolve("v2");
    expect(inode(target, manifest)).not.toBe(inode(source, manifest));
    expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("what it found there and a collection took before it was named is written once more", async () => {
    const { source, image } = imageAnd();
    const target = await empty();
    const done = copyLayout(source, target, {
      reference: "v1",
      onProgress: ({ blobs, totalBlobs }) => void (blobs === totalBlobs && rmSync(join(target.location, blobPath(image.digest)))),
    });
    await done;
    expect(await target.blobs.has(image.digest)).toBe(true);
    await collectGarbage(target, { grace: 0 });
    expect(await target.blobs.has(image.digest)).toBe(true);
  });
});

describe("many referrers", () => {
  const many = process.env["OCILOT_LONG"] === "1" ? 10_000 : 500;
  test(`${many} are copied, found, and not copied again`, async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" });
    for (let i = 0; i < many; i++) builder.listed(builder.referrer(image, { annotations: { n: String(i) } }));
    const source = await builder.directory(join(tempDir(), "s"));
    const target = await Layout.create(join(tempDir(), "t"));
    const start = performance.now();
    const { referrers, written } = await copyLayout(source, target, { reference: "v1" });
    console.log(`${many} referrers copied in ${Math.round(performance.now() - start)} ms, ${written.blobs} blobs`);
    expect(referrers).toBe(many);
    expect((await readGraph(await openView(target))).of(image.digest)).toHaveLength(many);
    const again = await copyLayout(source, target, { reference: "v1" });
    expect(again.written.blobs).toBe(0);
    const { removed } = await collectGarbage(target, { grace: 0 });
    expect(removed).toEqual([]);
  });
});

describe("an entry of the target that states a wrong size of what is copied is corrected", () => {
  test.each([["v1"], [undefined]])("copied: %s", async (reference) => {
    const { source, image } = imageAnd((b, subject) => b.listed(b.referrer(subject)));
    const target = await empty();
    await copyLayout(source, target);
    const whole = await target.index.read();
    await target.index.update(({ entries }) =>
      entries.map(({ position, descriptor: { digest, size } }) => ({ op: "retarget", position, digest, size: size + 1 })),
    );
    const other = new LayoutBuilder().image({ annotations: { other: "image" } });
    await target.index.update(() => [{ op: "insert", before: 0, descriptor: { ...other, size: other.size + 1 } }]);
    const { written } = await copyLayout(source, target, reference === undefined ? {} : { reference });
    expect(written.blobs).toBe(0);
    const { entries } = await target.index.read();
    const sizes = (of: readonly { readonly descriptor: Descriptor }[]) => of.map(({ descriptor: d }) => [d.digest, d.size]);
    expect(sizes(entries)).toEqual([[other.digest, other.size + 1], ...sizes(whole.entries)]);
    expect((await target.resolve("v1")).size).toBe(image.size);
  });
});

describe("a corrupt manifest in the target is replaced: its digest and size alone do not make it present", () => {
  const overwrite = (dir: string, d: Descriptor): void => {
    const path = join(dir, blobPath(d.digest));
    chmodSync(path, 0o644);
    writeFileSync(path, Buffer.alloc(d.size, 0x20));
  };

  test.each([["v1"], [undefined]])("copied: %s", async (reference) => {
    const made = imageAnd();
    const referrer = made.builder.referrer(made.image);
    made.builder.listed(referrer);
    const source = made.builder.layout();
    const dir = join(tempDir(), "out");
    const target = await Layout.create(dir, { sync: false });
    const options = reference === undefined ? {} : { reference };
    const first = await copyLayout(source, target, options);
    overwrite(dir, made.image);
    overwrite(dir, referrer);
    const again = await copyLayout(source, await Layout.open(dir, { sync: false }), options);
    expect([again.written, again.present]).toEqual([{ blobs: 2, bytes: made.image.size + referrer.size }, first.written.blobs - 2]);
    const after = await Layout.open(dir);
    expect((await readGraph(await openView(after))).has(made.image.digest, referrer.digest)).toBe(true);
    expect((await verifyLayout(after)).findings.filter((f) => f.severity === "error")).toEqual([]);
  });
});
