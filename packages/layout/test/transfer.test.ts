import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Descriptor, Layout, blobPath, transferBlobs } from "@ocilot/layout";
import { tempDir } from "./helpers.js";

const TYPE = "application/octet-stream";

async function twoLayouts(sync = true): Promise<{ source: Layout; target: Layout }> {
  const dir = tempDir();
  return { source: await Layout.create(join(dir, "source"), { sync: false }), target: await Layout.create(join(dir, "target"), { sync }) };
}

async function put(layout: Layout, bytes: Uint8Array): Promise<Descriptor> {
  return await layout.blobs.put(bytes, { mediaType: TYPE });
}

const many = async (layout: Layout, n: number): Promise<Descriptor[]> =>
  await Promise.all(Array.from({ length: n }, async () => await put(layout, randomBytes(100))));
const file = (layout: Layout, d: Descriptor): string => join(layout.location, blobPath(d.digest));

describe("transfer", () => {
  test("carries small blobs in batches and large ones alone, whole, and what is there not again", async () => {
    const { source, target } = await twoLayouts();
    const ds = [
      ...(await many(source, 300)),
      await put(source, randomBytes(1 << 20)),
      ...(await many(source, 5)),
      await put(source, new Uint8Array()),
    ];
    const seen: (boolean | undefined)[] = [];
    let bytes = 0;
    const options = { onProgress: (e: { bytes: number; isNew?: boolean }) => void (seen.push(e.isNew), (bytes += e.bytes)) };
    await transferBlobs(source, target, ds, options);
    expect(seen.filter((isNew) => isNew === true)).toHaveLength(ds.length);
    expect(bytes).toBe(ds.reduce((sum, d) => sum + d.size, 0));
    for (const d of ds) expect(Buffer.from(await target.blobs.bytes(d)).equals(await source.blobs.bytes(d))).toBe(true);
    expect(statSync(file(target, ds[0]!)).mode & 0o777).toBe(0o644);
    seen.length = 0;
    await transferBlobs(source, target, ds, options);
    expect(new Set(seen)).toEqual(new Set([false]));
    expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test.each([100, 200_000])("refuses a damaged blob of %i bytes and leaves nothing", async (size) => {
    const { source, target } = await twoLayouts();
    const d = await put(source, randomBytes(size));
    const good = await many(source, 3);
    writeFileSync(file(source, d), randomBytes(size));
    await expect(transferBlobs(source, target, [d, ...good])).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    writeFileSync(file(source, d), randomBytes(size + 1));
    await expect(transferBlobs(source, target, [d, ...good])).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    expect(await target.blobs.has(d.digest)).toBe(false);
    expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("links content and not manifests, also through a link inside the source", async () => {
    const { source, target } = await twoLayouts();
    const d = await put(source, randomBytes(100));
    const manifest = { ...(await put(source, randomBytes(90))), mediaType: "application/vnd.oci.image.manifest.v1+json" };
    const linked = await put(source, randomBytes(80));
    mkdirSync(join(source.location, "elsewhere"));
    const real = join(source.location, "elsewhere/blob");
    writeFileSync(real, await source.blobs.bytes(linked));
    await source.blobs.delete(linked.digest);
    symlinkSync(real, file(source, linked));
    await transferBlobs(source, target, [d, linked, manifest], { link: true });
    expect(statSync(file(target, d)).ino).toBe(statSync(file(source, d)).ino);
    expect(statSync(file(target, linked)).ino).toBe(statSync(real).ino);
    expect(statSync(file(target, manifest)).nlink).toBe(1);
    expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("falls back to reading where the two cannot share: from memory", async () => {
    const { target } = await twoLayouts();
    const source = Layout.inMemory();
    const ds = [await put(source, randomBytes(100_000)), await put(source, randomBytes(10))];
    await transferBlobs(source, target, ds, { link: true });
    for (const d of ds) expect((await target.blobs.bytes(d)).length).toBe(d.size);
  });

  test("stops at once when it is told to, in the middle of a large blob too", async () => {
    const { source, target } = await twoLayouts();
    const d = await put(source, randomBytes(40 << 20));
    const abort = new AbortController();
    const options = { signal: abort.signal, onProgress: () => abort.abort() };
    await expect(transferBlobs(source, target, [d], options)).rejects.toMatchObject({ code: "ABORTED" });
    expect(existsSync(file(target, d))).toBe(false);
    expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("a gigabyte goes through in bounded memory", { timeout: 300_000 }, async () => {
    const isLong = process.env["OCILOT_LONG"] === "1";
    const { source, target } = await twoLayouts(false);
    const chunk = randomBytes(1 << 20);
    const chunks = isLong ? 1024 : 128;
    const content = async function* (): AsyncIterable<Uint8Array> {
      for (let i = 0; i < chunks; i++) yield chunk;
    };
    const d = await source.blobs.put(content(), { mediaType: TYPE });
    const before = process.memoryUsage().rss;
    await transferBlobs(source, target, [d]);
    expect(process.memoryUsage().rss - before).toBeLessThan(96 << 20);
    expect(await target.blobs.size(d.digest)).toBe(chunks << 20);
  });
});
