import { chmodSync, readFileSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Descriptor, type Digest, Layout, OcilotError, blobPath } from "../src/index.js";
import { chunks, collect, descriptorOf, dirWith, errorOf, layoutWith, namesIn, text, treeOf } from "./helpers.js";

const HELLO = text("hello");
const D = descriptorOf(HELLO);
const open = async (dir: string): Promise<Layout["blobs"]> => (await Layout.open(dir, { sync: false })).blobs;
const pathOf = (dir: string, d: Pick<Descriptor, "digest">): string => join(dir, blobPath(d.digest));

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

  test("a blob that is there is not written again, be it small, large or streamed; its time tells a collection that it is wanted", async () => {
    const dir = layoutWith();
    const blobs = await open(dir);
    const large = new Uint8Array(3 << 20).fill(7);
    for (const bytes of [HELLO, large]) {
      const d = await blobs.put(bytes);
      chmodSync(pathOf(dir, d), 0o444);
      const { ino, mode } = statSync(pathOf(dir, d));
      for (const source of [bytes, chunks(bytes.subarray(0, 2), bytes.subarray(2))]) {
        utimesSync(pathOf(dir, d), 1, 1);
        await blobs.put(source, { expect: d });
        const after = statSync(pathOf(dir, d));
        expect([after.ino, after.mode]).toEqual([ino, mode]);
        expect(after.mtimeMs).toBeGreaterThan(1000);
      }
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
