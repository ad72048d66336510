import type { Readable } from "node:stream";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { type Descriptor, type Digest, Layout, OcilotError, blobPath } from "../src/index.js";
import { collect, descriptorOf, digestNo, dirWith, errorOf, layoutWith, text } from "./helpers.js";

const HELLO = text("hello");
const D = descriptorOf(HELLO);
const open = async (dir: string): Promise<Layout["blobs"]> => (await Layout.open(dir, { sync: false })).blobs;
const pathOf = (dir: string, d: Pick<Descriptor, "digest">): string => join(dir, blobPath(d.digest));
const openFiles = (): number => readdirSync("/proc/self/fd").length;

describe("reading", () => {
  test("gives what was put, whole and as a stream, for every algorithm that is registered", async () => {
    const blobs = await open(layoutWith());
    for (const algorithm of ["sha256", "sha384", "sha512", "blake3"] as const) {
      const d = await blobs.put(HELLO, { algorithm });
      expect(d).toEqual({ ...descriptorOf(HELLO, { algorithm }), mediaType: "application/octet-stream" });
      expect(Buffer.from(await blobs.bytes(d))).toEqual(Buffer.from(HELLO));
      expect(await buffer(await blobs.open(d))).toEqual(Buffer.from(HELLO));
      expect(await blobs.size(d.digest)).toBe(5);
    }
  });

  test.each(["sha256", "sha384", "sha512", "blake3"] as const)("a flipped byte is BLOB_CORRUPT under %s", async (algorithm) => {
    const dir = layoutWith();
    const blobs = await open(dir);
    const d = await blobs.put(HELLO, { algorithm });
    writeFileSync(pathOf(dir, d), "jello");
    expect(await errorOf(blobs.bytes(d))).toMatchObject({ code: "BLOB_CORRUPT", details: { digest: d.digest, expected: d.digest } });
    const stream = await blobs.open(d);
    expect(await errorOf(buffer(stream))).toMatchObject({ code: "BLOB_CORRUPT" });
  });

  test("a wrong size is found before anything is read or allocated", async () => {
    const dir = layoutWith(undefined, [HELLO]);
    const blobs = await open(dir);
    for (const size of [4, 6, 0, 1e9, 2 ** 31 - 1]) {
      expect(await errorOf(blobs.bytes({ ...D, size }))).toMatchObject({ code: "SIZE_MISMATCH", details: { expected: size, found: 5 } });
      expect((await errorOf(blobs.open({ ...D, size }))).code).toBe("SIZE_MISMATCH");
    }
    expect((await errorOf(blobs.bytes({ ...D, size: 1e15 }))).code).toBe("LIMIT_EXCEEDED");
    writeFileSync(pathOf(dir, D), "");
    expect((await errorOf(blobs.bytes(D))).code).toBe("SIZE_MISMATCH");
  });

  test("more than the caller allows is LIMIT_EXCEEDED", async () => {
    const blobs = await open(layoutWith(undefined, [HELLO]));
    expect(await blobs.bytes(D, { maxBytes: 5 })).toHaveLength(5);
    expect(await errorOf(blobs.bytes(D, { maxBytes: 4 }))).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 4, found: 5 } });
  });

  test("the empty blob is a blob, whole and as a stream", async () => {
    const empty = new Uint8Array();
    const blobs = await open(layoutWith(undefined, [empty]));
    expect(await blobs.bytes(descriptorOf(empty))).toHaveLength(0);
    expect(await buffer(await blobs.open(descriptorOf(empty)))).toHaveLength(0);
  });

  test("an algorithm that ocilot cannot compute is never taken as checked", async () => {
    const dir = layoutWith();
    const d: Descriptor = { mediaType: "a/b", digest: "md5:5d41402abc4b2a76b9719d911017c592" as Digest, size: 5 };
    mkdirSync(join(dir, "blobs/md5"));
    writeFileSync(pathOf(dir, d), HELLO);
    const blobs = await open(dir);
    expect(await blobs.has(d.digest)).toBe(true);
    for (const read of [blobs.bytes(d), blobs.open(d)]) expect((await errorOf(read)).code).toBe("ALGORITHM_UNSUPPORTED");
  });

  test("a missing blobs/ is an empty one", async () => {
    const dir = dirWith({ "oci-layout": '{"imageLayoutVersion":"1.0.0"}', "index.json": "{}" });
    const blobs = await open(dir);
    expect(await blobs.has(D.digest)).toBe(false);
    expect(await blobs.size(D.digest)).toBeUndefined();
    expect(await collect(blobs.list())).toEqual([]);
    for (const read of [blobs.bytes(D), blobs.open(D)]) {
      expect(await errorOf(read)).toMatchObject({ code: "BLOB_NOT_FOUND", details: { digest: D.digest } });
    }
    await blobs.delete(D.digest);
    await blobs.put(HELLO);
    expect(await blobs.has(D.digest)).toBe(true);
  });

  test("bytesMany keeps the order, and one bad blob is its own error and nobody else's", async () => {
    const dir = layoutWith(undefined, [HELLO, text("b")]);
    const bad = descriptorOf(text("c"));
    writeFileSync(pathOf(dir, bad), "d");
    const blobs = await open(dir);
    const missing = { ...D, digest: digestNo(1) };
    const many = Array.from({ length: 1000 }, () => [D, missing, descriptorOf(text("b")), bad]).flat();
    const results = await blobs.bytesMany(many);
    expect(results).toHaveLength(4000);
    const shown = results.map((r) => (r instanceof OcilotError ? r.code : Buffer.from(r).toString()));
    for (let i = 0; i < 4000; i += 4) expect(shown.slice(i, i + 4)).toEqual(["hello", "BLOB_NOT_FOUND", "b", "BLOB_CORRUPT"]);
  });

  test("bytesMany stops when it is told to", async () => {
    const blobs = await open(layoutWith(undefined, [HELLO]));
    const many = Array.from({ length: 1000 }, () => D);
    expect((await errorOf(blobs.bytesMany(many, { signal: AbortSignal.abort() }))).code).toBe("ABORTED");
  });

  test("list names every blob, whatever it holds, and nothing else", async () => {
    const dir = layoutWith(undefined, [HELLO]);
    const odd = ["blobs/sha256/zzz", `${blobPath(D.digest)}.tmp-1`, "blobs/file", "blobs/SHA256/x", "blobs/md5/abc", "blobs/sha256/.tmp"];
    for (const name of odd) {
      mkdirSync(join(dir, name, ".."), { recursive: true });
      writeFileSync(join(dir, name), "xy");
    }
    mkdirSync(pathOf(dir, { digest: digestNo(5) }));
    symlinkSync("/etc/passwd", pathOf(dir, { digest: digestNo(6) }));
    symlinkSync("nowhere", pathOf(dir, { digest: digestNo(7) }));
    symlinkSync(blobPath(D.digest).split("/")[2]!, pathOf(dir, { digest: digestNo(8) }));
    const listed = await collect((await open(dir)).list());
    for (const { modified } of listed) expect(modified).toBeGreaterThan(1000);
    expect(listed.map(({ digest, size }) => ({ digest, size })).toSorted((a, b) => a.digest.localeCompare(b.digest))).toEqual([
      { digest: "md5:abc", size: 2 },
      { digest: digestNo(8), size: 5 },
      { digest: D.digest, size: 5 },
    ]);
  });

  test.runIf(process.platform === "linux")("leaves no file open, whatever becomes of the read", async () => {
    const dir = layoutWith(undefined, [HELLO]);
    const damaged = descriptorOf(text("c"));
    writeFileSync(pathOf(dir, damaged), "d");
    mkdirSync(pathOf(dir, { digest: digestNo(5) }));
    const blobs = await open(dir);
    const before = openFiles();
    for (let i = 0; i < 20; i++) {
      await blobs.bytes(D);
      await blobs.size(D.digest);
      await errorOf(blobs.bytes({ ...D, size: 9 }));
      await errorOf(blobs.open({ ...D, size: 9 }));
      await errorOf(blobs.size(digestNo(5)));
      await errorOf(blobs.bytes(damaged));
      await errorOf(buffer(await blobs.open(damaged)));
      await buffer(await blobs.open(D));
      const unread = (await blobs.open(D)) as Readable;
      await new Promise((done) => unread.on("close", done).destroy());
    }
    await expect.poll(openFiles).toBeLessThanOrEqual(before);
  });
});

test("delete removes a blob and does not mind one that is not there", async () => {
  const blobs = await open(layoutWith(undefined, [HELLO]));
  await blobs.delete(D.digest);
  await blobs.delete(D.digest);
  await blobs.delete("md5:abc" as Digest);
  expect(await blobs.has(D.digest)).toBe(false);
});
