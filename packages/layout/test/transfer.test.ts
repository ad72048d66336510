import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BlobMover, type Descriptor, Layout, blobPath, layoutMembers, transferBlobs, writeArchive, openArchive } from "@ocilot/layout";
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

  describe("of large blobs, several at once", () => {
    /** Enough for threads to be started. */
    const large = async (source: Layout): Promise<Descriptor[]> => {
      const ds: Descriptor[] = [];
      for (let i = 0; i < 4; i++) ds.push(await put(source, randomBytes((10 << 20) + i)));
      return ds;
    };

    test("gives the same bytes, and tells of every byte once", async () => {
      const { source, target } = await twoLayouts();
      const ds = await large(source);
      let [bytes, blobs] = [0, 0];
      const onProgress = (e: { bytes: number; isNew?: boolean }): void => {
        bytes += e.bytes;
        if (e.isNew === true) blobs++;
      };
      await transferBlobs(source, target, ds, { onProgress });
      expect([bytes, blobs]).toEqual([ds.reduce((sum, d) => sum + d.size, 0), 4]);
      for (const d of ds) {
        expect(readFileSync(file(target, d)).equals(readFileSync(file(source, d)))).toBe(true);
        expect(statSync(file(target, d)).mode & 0o777).toBe(0o644);
      }
      expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    });

    test.each([0, 1, 2, 3])("refuses them all when the one at %i is damaged, and leaves nothing of it", async (i) => {
      const { source, target } = await twoLayouts();
      const ds = await large(source);
      const bytes = readFileSync(file(source, ds[i]!));
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(file(source, ds[i]!), bytes);
      const error = await transferBlobs(source, target, ds).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: "BLOB_CORRUPT", details: { digest: ds[i]!.digest } });
      expect(existsSync(file(target, ds[i]!))).toBe(false);
      expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    });

    test("stops when it is told to, and leaves nothing half done", async () => {
      const { source, target } = await twoLayouts();
      const ds = await large(source);
      const abort = new AbortController();
      const options = { signal: abort.signal, onProgress: () => abort.abort() };
      await expect(transferBlobs(source, target, ds, options)).rejects.toMatchObject({ code: "ABORTED" });
      expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    });

    test("carries what a link inside the layout leads to; one that leads out, and a pipe, are refused", async () => {
      const { source, target } = await twoLayouts();
      const [inside, outside, pipe] = (await large(source)) as [Descriptor, Descriptor, Descriptor];
      renameSync(file(source, inside), join(source.location, "real"));
      symlinkSync("../../real", file(source, inside));
      await transferBlobs(source, target, [inside]);
      expect(lstatSync(file(target, inside)).isFile()).toBe(true);
      expect(readFileSync(file(target, inside)).equals(readFileSync(join(source.location, "real")))).toBe(true);
      const secret = join(tempDir(), "secret");
      renameSync(file(source, outside), secret);
      symlinkSync(secret, file(source, outside));
      await expect(transferBlobs(source, target, [outside])).rejects.toMatchObject({ code: "LINK_OUTSIDE" });
      rmSync(file(source, pipe));
      execFileSync("mkfifo", [file(source, pipe)]);
      await expect(transferBlobs(source, target, [pipe])).rejects.toMatchObject({ code: "LINK_OUTSIDE" });
      expect([await target.blobs.has(outside.digest), await target.blobs.has(pipe.digest)]).toEqual([false, false]);
    });

    test("from an archive, and from one that is closed meanwhile", async () => {
      const { source, target } = await twoLayouts();
      const ds = await large(source);
      const path = join(tempDir(), "x.tar");
      await writeArchive(path, await layoutMembers(source), { sync: false });
      const archive = await openArchive(path);
      const onProgress = (): void => void archive.close();
      await transferBlobs(archive, target, ds.slice(0, 1), { onProgress });
      await using again = await openArchive(path);
      await transferBlobs(again, target, ds);
      for (const d of ds) expect(readFileSync(file(target, d)).equals(readFileSync(file(source, d)))).toBe(true);
    });
  });

  test("what comes before a manifest is there before it, also behind a large manifest; the same blob twice is written once", async () => {
    const { source, target } = await twoLayouts();
    const asManifest = (d: Descriptor): Descriptor => ({ ...d, mediaType: "application/vnd.oci.image.manifest.v1+json" });
    const layers = [await put(source, randomBytes(100_000)), await put(source, randomBytes(10))];
    const manifests = [asManifest(await put(source, randomBytes(90_000))), asManifest(await put(source, randomBytes(9)))];
    const order: Descriptor[] = [];
    const ds = [...layers, layers[0]!, ...manifests, layers[1]!];
    await transferBlobs(source, target, ds, { onProgress: (e) => void (e.isNew === true && order.push(e.descriptor)) });
    expect(order).toEqual([...layers, ...manifests]);
  });

  test("a link takes the place of what is damaged there, and is made again in peace", async () => {
    const { source, target } = await twoLayouts();
    const [d] = (await many(source, 1)) as [Descriptor];
    writeFileSync(file(target, d), "damaged");
    await transferBlobs(source, target, [d], { link: true });
    expect(statSync(file(target, d)).ino).toBe(statSync(file(source, d)).ino);
    // As when another process was faster, so that the two names are of one file already.
    const mover = new BlobMover([]);
    expect(await target.blobs.putFile!(file(source, d), d, { link: true, mover })).toBe(true);
    expect(statSync(file(source, d)).nlink).toBe(2);
    expect(readdirSync(target.location).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test.skipIf(process.platform === "win32")("everybody may read what is copied, whatever the mask says", async () => {
    const { source, target } = await twoLayouts();
    const ds = [...(await many(source, 3)), await put(source, randomBytes(100_000))];
    const mask = process.umask(0o077);
    try {
      await transferBlobs(source, target, ds);
    } finally {
      process.umask(mask);
    }
    for (const d of ds) expect(statSync(file(target, d)).mode & 0o777).toBe(0o644);
  });

  test("a gigabyte goes through in bounded memory", async () => {
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
