import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { BlobThreads } from "../src/mover/blob-threads.js";
import { digestOf } from "../src/index.js";

const SIZE = 9 << 20;
const started = vi.hoisted(() => ({ count: 0, allowed: Infinity }));
vi.mock("node:worker_threads", async (original) => {
  const real = await original<typeof import("node:worker_threads")>();
  return {
    ...real,
    Worker: class extends real.Worker {
      constructor(...given: ConstructorParameters<typeof real.Worker>) {
        if (++started.count > started.allowed) throw new Error("EAGAIN");
        super(...given);
      }
    },
  };
});

let directory: string;
let fd: number;
const content = Buffer.alloc(SIZE, "x");
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ocilot-threads-"));
  writeFileSync(join(directory, "blob"), content);
  fd = openSync(join(directory, "blob"), "r");
  started.count = 0;
  started.allowed = Infinity;
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true, force: true });
});

const move = (): Parameters<BlobThreads["move"]>[0] => ({ fd, offset: 0, size: SIZE, isWholeFile: true });

test("where only some threads can be started, those do the work and none is left behind", async () => {
  started.allowed = 1;
  const threads = new BlobThreads(3, { pieceBytes: 1 << 16, writeBytes: 1 << 15 });
  const [first, second] = await Promise.all([
    threads.move(move(), "sha256", () => undefined),
    threads.move(move(), "sha256", () => undefined),
  ]);
  expect(first).toEqual({ seen: SIZE, hex: digestOf(content).slice("sha256:".length) });
  expect(second).toBeUndefined();
  expect(started.count).toBe(2);
  threads.close();
});

test("what the listener throws ends the move, when the thread has let go of the file", async () => {
  const threads = new BlobThreads(1, { pieceBytes: 1 << 16, writeBytes: 1 << 15 });
  let told = 0;
  const listener = (): void => {
    told++;
    throw new Error("enough");
  };
  await expect(threads.move(move(), "sha256", listener)).rejects.toThrow("enough");
  expect(told).toBe(1);
  expect(await threads.move(move(), "sha256", () => undefined)).toMatchObject({ seen: SIZE });
  threads.close();
});
