import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { digestOf } from "../src/index.js";
import { GrowingHash } from "../src/mover/growing-hash.js";

const LARGE = 32 << 20;
const threads = vi.hoisted(() => ({ started: [] as import("node:worker_threads").Worker[], isAllowed: true, processors: 2 }));
vi.mock("node:os", async (original) => ({
  ...(await original<typeof import("node:os")>()),
  availableParallelism: () => threads.processors,
}));
vi.mock("node:worker_threads", async (original) => {
  const real = await original<typeof import("node:worker_threads")>();
  return {
    ...real,
    Worker: class extends real.Worker {
      constructor(...given: ConstructorParameters<typeof real.Worker>) {
        if (!threads.isAllowed) throw new Error("EAGAIN");
        super(...given);
        threads.started.push(this);
      }
    },
  };
});

let directory: string;
let fds: number[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ocilot-growing-"));
  fds = [];
  Object.assign(threads, { started: [], isAllowed: true, processors: 2 });
});
afterEach(() => {
  for (const fd of fds) closeSync(fd);
  rmSync(directory, { recursive: true, force: true });
});

function newFile(): number {
  const fd = openSync(join(directory, String(fds.length)), "w+");
  fds.push(fd);
  return fd;
}

/** Writes the content in steps and says so after each. */
function write(fd: number, hash: GrowingHash, content: Uint8Array, step = 3_000_001): void {
  for (let at = 0; at < content.length; at += step) {
    const end = Math.min(content.length, at + step);
    writeSync(fd, content, at, end - at, at);
    hash.grew(end);
  }
}

/** Once all threads have ended. */
async function ended(): Promise<void> {
  await Promise.all(threads.started.map(async (worker) => await worker.terminate()));
}

test.each(["sha256", "sha384", "sha512"] as const)(
  "%s of files that grow at the same time: one thread, which ends with the last of them",
  async (algorithm) => {
    const contents = ["a", "b", "c"].map((name) => Buffer.alloc(LARGE + 12_345, name));
    const hashes = contents.map((content) => {
      const fd = newFile();
      return { fd, content, hash: GrowingHash.start(fd, algorithm, content.length)! };
    });
    for (const { fd, hash, content } of hashes) write(fd, hash, content);
    const exit = vi.fn();
    threads.started[0]!.on("exit", exit);
    expect(await Promise.all(hashes.map(async ({ hash }) => await hash.digest()))).toEqual(contents.map((c) => digestOf(c, algorithm)));
    expect(threads.started).toHaveLength(1);
    await ended();
    expect(exit).toHaveBeenCalledTimes(1);
    const fd = newFile();
    const next = GrowingHash.start(fd, algorithm, LARGE)!;
    write(fd, next, contents[0]!);
    expect(await next.digest()).toBe(digestOf(contents[0]!, algorithm));
    expect(threads.started).toHaveLength(2);
  },
);

test("a file that was there is hashed from its beginning, and one of fewer bytes than expected as far as it goes", async () => {
  const content = Buffer.alloc(10 << 20, "x");
  const fd = newFile();
  writeSync(fd, content);
  const hash = GrowingHash.start(fd, "sha256", LARGE)!;
  hash.grew(content.length);
  expect(await hash.digest()).toBe(digestOf(content));
});

test("no thread for a small file, for blake3, on one processor, and where none can be started", () => {
  expect(GrowingHash.start(newFile(), "sha256", LARGE - 1)).toBeUndefined();
  expect(GrowingHash.start(newFile(), "blake3", LARGE)).toBeUndefined();
  threads.processors = 1;
  expect(GrowingHash.start(newFile(), "sha256", LARGE)).toBeUndefined();
  threads.processors = 2;
  threads.isAllowed = false;
  expect(GrowingHash.start(newFile(), "sha256", LARGE)).toBeUndefined();
  expect(threads.started).toEqual([]);
});

test("a thread that ends, and a file that is shorter than was said, give no digest, and other files theirs", async () => {
  const [short, whole] = [newFile(), newFile()];
  const content = Buffer.alloc(LARGE, "x");
  const [first, second] = [GrowingHash.start(short, "sha256", LARGE)!, GrowingHash.start(whole, "sha256", LARGE)!];
  ftruncateSync(short, 5);
  first.grew(LARGE);
  write(whole, second, content);
  expect(await first.digest()).toBeUndefined();
  expect(await second.digest()).toBe(digestOf(content));
  const third = GrowingHash.start(whole, "sha256", LARGE)!;
  await threads.started.at(-1)!.terminate();
  third.grew(LARGE);
  expect(await third.digest()).toBeUndefined();
  await third.drop();
  expect(await GrowingHash.start(whole, "sha256", LARGE)!.digest()).toBe(digestOf(new Uint8Array()));
});

test("a thread that ends while its answer is waited for gives no digest", async () => {
  const hash = GrowingHash.start(newFile(), "sha256", LARGE)!;
  const found = hash.digest();
  await ended();
  expect([undefined, digestOf(new Uint8Array())]).toContain(await found);
});

test("drop ends it and the thread; once more, or after the digest, it does nothing", async () => {
  const hash = GrowingHash.start(newFile(), "sha256", LARGE)!;
  const exit = new Promise((resolve) => threads.started[0]!.once("exit", resolve));
  await hash.drop();
  await hash.drop();
  await exit;
  const other = GrowingHash.start(newFile(), "sha256", LARGE)!;
  expect(await other.digest()).toBe(digestOf(new Uint8Array()));
  await other.drop();
});
