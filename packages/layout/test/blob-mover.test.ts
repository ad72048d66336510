import { randomBytes } from "node:crypto";
import { appendFileSync, closeSync, openSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type BlobExtent, BlobMover, type Descriptor, type MoverOptions } from "../src/index.js";
import { BlobThreads } from "../src/mover/blob-threads.js";
import type { Move } from "../src/mover/move-bytes.js";
import { descriptorOf, errorOf, tempDir } from "./helpers.js";

/** With it as many threads as there can be, without it none. */
const KINDS: readonly [string, MoverOptions][] = [
  ["in threads", { threads: 2 }],
  ["without threads", { threads: 0 }],
];

interface Given {
  readonly path: string;
  readonly d: Descriptor;
  readonly extent: BlobExtent;
}

function opened(path: string, flags: string): number {
  const fd = openSync(path, flags);
  onTestFinished(() => closeSync(fd));
  return fd;
}

function extentOf(path: string, size: number, offset = 0): BlobExtent {
  return { fd: opened(path, "r"), offset, size, isWholeFile: offset === 0, close: () => undefined };
}

function given(bytes: Uint8Array, dir = tempDir()): Given {
  const path = join(dir, randomBytes(6).toString("hex"));
  writeFileSync(path, bytes);
  return { path, d: descriptorOf(bytes), extent: extentOf(path, bytes.length) };
}

/** For three blobs, so that threads may be started; a mover for one blob starts none. */
function moverFor(options: MoverOptions): BlobMover {
  const mover = new BlobMover([1, 1, 1], options);
  onTestFinished(() => mover.close());
  return mover;
}

const SIZES = [0, 1, 131_071, 131_072, 131_073, 3 << 20, (5 << 20) + 7];

describe.each(KINDS)("%s", (_, options) => {
  test("what is written is what was read, at its place, and no byte is told of twice", async () => {
    const mover = moverFor(options);
    const blobs = SIZES.map((size) => given(randomBytes(size)));
    const target = join(tempDir(), "target");
    writeFileSync(target, "");
    const fd = opened(target, "r+");
    let told = 0;
    const places = SIZES.map((__, i) => SIZES.slice(0, i).reduce((sum, n) => sum + n, 100));
    await mover.each(blobs.entries(), async ([i, { extent, d }]) => {
      await mover.move(extent, d, { to: { fd, offset: places[i]! }, onBytes: (n) => void (told += n) });
    });
    const written = readFileSync(target);
    for (const [i, { path, d }] of blobs.entries())
      expect(written.subarray(places[i], places[i]! + d.size).equals(readFileSync(path))).toBe(true);
    expect(told).toBeLessThanOrEqual(SIZES.reduce((sum, n) => sum + n, 0));
    expect(told).toBeGreaterThan(5 << 20);
  });

  test("a part of a file is a blob too, whatever comes behind it", async () => {
    const bytes = randomBytes(400_000);
    const { path } = given(Buffer.concat([Buffer.alloc(512), bytes, Buffer.alloc(512)]));
    await moverFor(options).move(extentOf(path, bytes.length, 512), descriptorOf(bytes));
  });

  test.each(["sha512", "blake3"] as const)("%s", async (algorithm) => {
    const bytes = randomBytes(200_000);
    const { extent } = given(bytes);
    const d = descriptorOf(bytes, { algorithm });
    await moverFor(options).move(extent, d);
    const other = descriptorOf(randomBytes(200_000), { algorithm });
    expect(await errorOf(moverFor(options).move(extent, other))).toMatchObject({ code: "BLOB_CORRUPT", details: { found: d.digest } });
  });

  test("content of another digest is refused, and so is a file that grew or shrank since it was opened", async () => {
    const mover = moverFor(options);
    const { path, extent, d } = given(randomBytes(300_000));
    const other = descriptorOf(randomBytes(300_000));
    expect(await errorOf(mover.move(extent, other))).toMatchObject({
      code: "BLOB_CORRUPT",
      message: `${other.digest} is corrupt: its content has the digest ${d.digest}`,
      details: { expected: other.digest, found: d.digest },
    });
    appendFileSync(path, "x");
    expect(await errorOf(mover.move(extent, d))).toMatchObject({ code: "SIZE_MISMATCH", details: { expected: 300_000, found: 300_001 } });
    truncateSync(path, 200_000);
    expect(await errorOf(mover.move(extent, d))).toMatchObject({ code: "SIZE_MISMATCH", details: { expected: 300_000, found: 200_000 } });
  });

  test("reading that fails names the blob, writing that fails is the caller's to name", async () => {
    const mover = moverFor(options);
    const { path, extent, d } = given(randomBytes(300_000));
    const unread = await errorOf(mover.move({ ...extent, fd: opened(path, "a") }, d));
    expect(unread).toMatchObject({ code: "IO_ERROR", details: { errno: "EBADF", syscall: "read" } });
    expect(unread.message).toContain(d.digest.slice(7));
    const to = { fd: opened(path, "r"), offset: 0 };
    await expect(mover.move(extent, d, { to })).rejects.toMatchObject({ code: "EBADF", syscall: "write" });
  });

  test("an abort ends what is under way", async () => {
    const abort = new AbortController();
    const mover = moverFor({ ...options, signal: abort.signal });
    const blobs = [1, 2, 3].map(() => given(new Uint8Array(64 << 20)));
    let ended = 0;
    const all = mover.each(blobs, async ({ extent, d }) => {
      try {
        await mover.move(extent, d, { onBytes: () => abort.abort() });
      } finally {
        ended++;
      }
    });
    expect((await errorOf(all)).code).toBe("ABORTED");
    expect(ended).toBeLessThanOrEqual(mover.lanes);
    expect((await errorOf(mover.move(blobs[0]!.extent, blobs[0]!.d))).code).toBe("ABORTED");
  });

  test("a failure ends the others, and is thrown when all have ended; nothing more is begun", async () => {
    const mover = moverFor(options);
    const large = given(new Uint8Array(256 << 20));
    const broken = given(randomBytes(4 << 20));
    const queue = [{ ...broken, d: descriptorOf(randomBytes(4 << 20)) }, large, large, large, large];
    const begun: Descriptor[] = [];
    let underWay = 0;
    const all = mover.each(queue, async ({ extent, d }) => {
      begun.push(d);
      underWay++;
      await mover.move(extent, d).finally(() => underWay--);
    });
    expect((await errorOf(all)).code).toBe("BLOB_CORRUPT");
    expect(underWay).toBe(0);
    expect(begun.length).toBeLessThanOrEqual(mover.lanes);
  });
});

describe("threads", () => {
  test("do what they are told; one that cannot says so and goes on", async () => {
    const threads = new BlobThreads(1, { pieceBytes: 1 << 16, writeBytes: 1 << 15 });
    onTestFinished(() => threads.close());
    const { path, d } = given(randomBytes(300_000));
    const move = { fd: opened(path, "r"), offset: 0, size: d.size, isWholeFile: true };
    expect(await threads.move(move, "sha256", () => undefined)).toEqual({ seen: d.size, hex: d.digest.slice(7) });
    expect(await threads.move(move, "no such algorithm", () => undefined)).toBeUndefined();
    expect(await threads.move({ ...move, fd: opened(path, "a") }, "sha256", () => undefined)).toBeUndefined();
    const first = threads.move(move, "sha256", () => undefined);
    expect(await threads.move(move, "sha256", () => undefined)).toBeUndefined();
    expect(await first).toMatchObject({ hex: d.digest.slice(7) });
    threads.stop();
    expect(await threads.move(move, "sha256", () => undefined)).toBeUndefined();
  });

  test("that cannot start, or end before their time, do nothing", async () => {
    const threads = new BlobThreads(1, { pieceBytes: -1, writeBytes: 1 });
    onTestFinished(() => threads.close());
    const { extent, d } = given(randomBytes(10));
    const move: Move = { fd: extent.fd, offset: 0, size: d.size, isWholeFile: true };
    for (let i = 0; i < 2; i++) expect(await threads.move(move, "sha256", () => undefined)).toBeUndefined();
  });

  test("are not started for little, for one blob, or where nobody wants them", () => {
    const lanes = (sizes: readonly number[], options: MoverOptions = {}): number => {
      const mover = new BlobMover(sizes, options);
      mover.close();
      return mover.lanes;
    };
    expect(lanes([])).toBe(1);
    expect(lanes([1 << 20, 1 << 20])).toBe(1);
    expect(lanes([1 << 30])).toBe(1);
    expect(lanes([1 << 30, 1 << 30], { threads: 0 })).toBe(1);
    expect(lanes([1, 1, 1], { threads: 1 })).toBe(2);
    expect(lanes([1, 1, 1], { threads: 50 })).toBe(3);
  });
});
