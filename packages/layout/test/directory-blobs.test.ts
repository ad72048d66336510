import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { type Descriptor, type Digest, Layout, OcilotError, blobPath } from "../src/index.js";
import { collect, descriptorOf, digestNo, dirWith, errorOf, layoutWith, namesIn, tempDir, text, treeOf } from "./helpers.js";

const HELLO = text("hello");
const D = descriptorOf(HELLO);
const open = async (dir: string): Promise<Layout["blobs"]> => (await Layout.open(dir, { sync: false })).blobs;
const pathOf = (dir: string, d: Pick<Descriptor, "digest">): string => join(dir, blobPath(d.digest));
const openFiles = (): number => readdirSync("/proc/self/fd").length;

async function* chunks(...parts: (Uint8Array | Error)[]): AsyncIterable<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield part;
  }
}

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
    expect(listed.toSorted((a, b) => a.digest.localeCompare(b.digest))).toEqual([
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
      const unread = await blobs.open(D);
      await new Promise((done) => unread.on("close", done).destroy());
    }
    await expect.poll(openFiles).toBeLessThanOrEqual(before);
  });
});

describe("links and other files in place of a blob", () => {
  test("a link inside the layout is followed", async () => {
    const dir = layoutWith();
    mkdirSync(join(dir, "store"));
    writeFileSync(join(dir, "store", "x"), HELLO);
    symlinkSync("../../store/x", pathOf(dir, D));
    expect(await (await open(dir)).bytes(D)).toHaveLength(5);
  });

  test("blobs/ or an algorithm's directory may be a link inside the layout", async () => {
    const dir = layoutWith(undefined, [HELLO]);
    renameSync(join(dir, "blobs"), join(dir, "store"));
    symlinkSync("store", join(dir, "blobs"));
    expect(await (await open(dir)).bytes(D)).toHaveLength(5);
  });

  test("the layout itself may be reached through a link", async () => {
    const link = join(tempDir(), "link");
    symlinkSync(layoutWith(undefined, [HELLO]), link);
    const blobs = await open(link);
    expect(await blobs.bytes(D)).toHaveLength(5);
    await blobs.put(text("b"));
  });

  test("a link out of the layout is refused, also to a place that only begins like it", async () => {
    const dir = layoutWith();
    const beside = `${dir}-beside`;
    writeFileSync(beside, HELLO);
    symlinkSync(beside, pathOf(dir, D));
    const blobs = await open(dir);
    try {
      for (const read of [blobs.bytes(D), blobs.open(D), blobs.has(D.digest)]) {
        const error = await errorOf(read);
        expect(error.code).toBe("LINK_OUTSIDE");
        expect(error.hint).toBeDefined();
      }
    } finally {
      rmSync(beside);
    }
  });

  test.each(["blobs", "blobs/sha256"])("%s as a link out of the layout: nothing is read, written, made or removed there", async (name) => {
    const outside = dirWith({ [`sha256/${D.digest.slice(7)}`]: HELLO, [D.digest.slice(7)]: HELLO });
    const dir = layoutWith();
    rmSync(join(dir, name), { recursive: true });
    symlinkSync(outside, join(dir, name));
    const blobs = await open(dir);
    const before = treeOf(outside);
    expect((await errorOf(blobs.bytes(D))).code).toBe("LINK_OUTSIDE");
    expect((await errorOf(blobs.put(text("new")))).code).toBe("LINK_OUTSIDE");
    expect((await errorOf(blobs.put(text("new"), { algorithm: name === "blobs" ? "sha512" : "sha256" }))).code).toBe("LINK_OUTSIDE");
    expect((await errorOf(blobs.delete(D.digest))).code).toBe("LINK_OUTSIDE");
    expect(await collect(blobs.list())).toEqual([]);
    expect(treeOf(outside)).toEqual(before);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test.skipIf(process.platform === "win32")("a pipe is refused and not waited for", async () => {
    const dir = layoutWith();
    execFileSync("mkfifo", [pathOf(dir, D)]);
    const blobs = await open(dir);
    for (const read of [blobs.bytes(D), blobs.open(D), blobs.size(D.digest)]) expect((await errorOf(read)).code).toBe("LINK_OUTSIDE");
  });

  test("a directory is refused", async () => {
    const dir = layoutWith();
    mkdirSync(pathOf(dir, D));
    const blobs = await open(dir);
    expect((await errorOf(blobs.bytes(D))).message).toContain("not a regular file");
    expect((await errorOf(blobs.put(HELLO))).code).toBe("IO_ERROR");
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });
});

describe("putting", () => {
  test("a blob has its name only once it is whole", async () => {
    const dir = layoutWith();
    const seen: string[][] = [];
    async function* watched(): AsyncIterable<Uint8Array> {
      for (const byte of HELLO) {
        yield Uint8Array.of(byte);
        seen.push(readdirSync(join(dir, "blobs/sha256")));
      }
    }
    const d = await (await open(dir)).put(watched());
    expect(seen).toEqual([[], [], [], [], []]);
    expect(readFileSync(pathOf(dir, d), "utf8")).toBe("hello");
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test.each([
    ["a failing source", [HELLO, new Error("network")], {}, "network"],
    ["content of another digest", [text("jello")], { expect: D }, "BLOB_CORRUPT"],
    ["content that is too short", [text("hell")], { expect: D }, "SIZE_MISMATCH"],
    ["content that is too long", [HELLO, text("!")], { expect: D }, "SIZE_MISMATCH"],
    ["a signal", [HELLO], { signal: AbortSignal.abort() }, "ABORTED"],
  ])("%s leaves nothing behind", async (_, parts, options, expected) => {
    const dir = layoutWith();
    const before = treeOf(join(dir, "blobs"));
    const error: unknown = await (await open(dir)).put(chunks(...parts), options).catch((e: unknown) => e);
    expect(error instanceof OcilotError ? error.code : (error as Error).message).toBe(expected);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(treeOf(join(dir, "blobs"))).toEqual(before);
  });

  test("what the source throws is not reported as a fault of the layout's disk", async () => {
    const broken = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" });
    await expect((await open(layoutWith())).put(chunks(HELLO, broken))).rejects.toBe(broken);
  });

  test("an endless source is cut off at the size that was promised", async () => {
    let given = 0;
    async function* endless(): AsyncIterable<Uint8Array> {
      for (;;) {
        given++;
        yield new Uint8Array(4);
      }
    }
    expect((await errorOf((await open(layoutWith())).put(endless(), { expect: D }))).code).toBe("SIZE_MISMATCH");
    expect(given).toBe(2);
  });

  test("bytes at hand are held against the promise too", async () => {
    const blobs = await open(layoutWith());
    expect((await errorOf(blobs.put(text("jello"), { expect: D }))).code).toBe("BLOB_CORRUPT");
    expect((await errorOf(blobs.put(text("x"), { expect: D }))).code).toBe("SIZE_MISMATCH");
    expect(await blobs.put(HELLO, { expect: D })).toEqual(D);
    expect((await blobs.put(HELLO, { expect: D, mediaType: "x/y" })).mediaType).toBe("x/y");
    const d512 = descriptorOf(HELLO, { algorithm: "sha512" });
    expect(await blobs.put(HELLO, { expect: d512 })).toEqual(d512);
  });

  test("a blob that is there is not written again, be it small, large or streamed", async () => {
    const dir = layoutWith();
    const blobs = await open(dir);
    const large = new Uint8Array(3 << 20).fill(7);
    for (const bytes of [HELLO, large]) {
      const d = await blobs.put(bytes);
      const before = treeOf(join(dir, "blobs"));
      await blobs.put(bytes);
      await blobs.put(chunks(bytes.subarray(0, 2), bytes.subarray(2)));
      await blobs.put(chunks(bytes), { expect: d });
      expect(treeOf(join(dir, "blobs"))).toEqual(before);
    }
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test.each([
    ["damaged", "jello"],
    ["cut short", "he"],
    ["a zero-byte placeholder", ""],
  ])("a blob that is %s is mended", async (_, content) => {
    const dir = layoutWith();
    const blobs = await open(dir);
    for (const source of [HELLO, chunks(HELLO)]) {
      writeFileSync(pathOf(dir, D), content);
      await blobs.put(source);
      expect(readFileSync(pathOf(dir, D), "utf8")).toBe("hello");
    }
  });

  test("a link out of the layout is replaced and what it leads to is left alone", async () => {
    const outside = dirWith({ victim: "old" });
    const dir = layoutWith();
    symlinkSync(join(outside, "victim"), pathOf(dir, D));
    await (await open(dir)).put(HELLO);
    expect(readFileSync(join(outside, "victim"), "utf8")).toBe("old");
    expect(await (await open(dir)).bytes(D)).toHaveLength(5);
  });

  test.skipIf(process.platform === "win32")("new blobs can be read by everybody, as other users serve layouts", async () => {
    const dir = layoutWith();
    const d = await (await open(dir)).put(chunks(HELLO), { algorithm: "sha512" });
    expect(statSync(pathOf(dir, d)).mode & 0o777).toBe(0o644);
  });

  test("many at once, the same blob among them, all arrive", async () => {
    const dir = layoutWith();
    const blobs = (await Layout.open(dir)).blobs;
    const sources = Array.from({ length: 60 }, (_, i) => text(`blob ${i % 20}`));
    await Promise.all(sources.map((s, i) => blobs.put(i % 2 === 0 ? s : chunks(s))));
    expect(await collect(blobs.list())).toHaveLength(20);
    for (const s of sources) await blobs.bytes(descriptorOf(s));
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("an expected digest that cannot be computed is refused before the source is touched", async () => {
    const d = { ...D, digest: "md5:abc" as Digest };
    expect((await errorOf((await open(layoutWith())).put(chunks(new Error("touched")), { expect: d }))).code).toBe("ALGORITHM_UNSUPPORTED");
  });
});

test("delete removes a blob and does not mind one that is not there", async () => {
  const blobs = await open(layoutWith(undefined, [HELLO]));
  await blobs.delete(D.digest);
  await blobs.delete(D.digest);
  await blobs.delete("md5:abc" as Digest);
  expect(await blobs.has(D.digest)).toBe(false);
});
