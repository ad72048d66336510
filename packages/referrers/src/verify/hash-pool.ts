import { realpathSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Descriptor, blobPath, splitDigest } from "@ocilot/layout";

/** Below this much to hash, starting threads takes longer than it saves. */
const MIN_BYTES = 64 << 20;
const MAX_WORKERS = 8;

/**
 * What a thread runs. It is text, because the command line is one bundle without files beside it that a thread could be
 * started from. A link is not followed: those are left to the layout, which knows where a link may lead.
 */
const THREAD = `
const { parentPort } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const chunk = Buffer.allocUnsafeSlow(4 << 20);
parentPort.on("message", ({ path, algorithm, size }) => {
  let fd;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0));
    const stat = fs.fstatSync(fd);
    if (!stat.isFile() || stat.size !== size) return parentPort.postMessage({ refused: true });
    const hash = createHash(algorithm);
    for (;;) {
      const n = fs.readSync(fd, chunk, 0, chunk.length, null);
      if (n === 0) break;
      hash.update(chunk.subarray(0, n));
      parentPort.postMessage({ bytes: n });
    }
    parentPort.postMessage({ hex: hash.digest("hex") });
  } catch {
    parentPort.postMessage({ refused: true });
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
});
`;

type Answer = { readonly bytes: number } | { readonly hex: string } | { readonly refused: true };

/** Threads that hash the large blobs of a layout directory, one blob at a time each. */
export class HashPool {
  readonly size: number;
  readonly #root: string;
  readonly #alive: Set<Worker>;
  readonly #free: Worker[];

  private constructor(root: string, count: number) {
    this.#root = root;
    this.size = count;
    this.#free = Array.from({ length: count }, () => new Worker(THREAD, { eval: true }));
    this.#alive = new Set(this.#free);
    for (const worker of this.#free) {
      worker.unref();
      worker.on("error", () => this.#alive.delete(worker));
      worker.on("exit", () => this.#alive.delete(worker));
    }
  }

  /** A pool where threads pay: the layout is a directory, and there is more than one core and much to hash. */
  static async for(location: string, blobs: readonly Descriptor[], workers?: number): Promise<HashPool | undefined> {
    const total = blobs.reduce((sum, d) => sum + d.size, 0);
    const count = Math.min(workers ?? (total < MIN_BYTES ? 0 : availableParallelism()), blobs.length, MAX_WORKERS);
    if (count < (workers === undefined ? 2 : 1)) return undefined;
    try {
      const root = realpathSync(location);
      return statSync(root).isDirectory() ? new HashPool(root, count) : undefined;
    } catch {
      return undefined;
    }
  }

  /** True for a blob that is whole. False says nothing: a thread may not be able to tell, and then the layout has to. */
  async isWhole(d: Descriptor, onBytes: (n: number) => void): Promise<boolean> {
    const { algorithm, encoded } = splitDigest(d.digest);
    const worker = algorithm === "blake3" ? undefined : this.#free.pop();
    if (worker === undefined || !this.#alive.has(worker)) return false;
    const hex = await ask(worker, { path: join(this.#root, blobPath(d.digest)), algorithm, size: d.size }, onBytes);
    this.#free.push(worker);
    return hex === encoded;
  }

  close(): void {
    for (const worker of this.#alive) void worker.terminate();
    this.#alive.clear();
  }
}

/** The hash; undefined where the thread refused, failed or was ended. */
async function ask(worker: Worker, task: object, onBytes: (n: number) => void): Promise<string | undefined> {
  let onMessage: ((answer: Answer) => void) | undefined;
  let onEnd: (() => void) | undefined;
  worker.ref();
  try {
    return await new Promise<string | undefined>((resolve) => {
      onMessage = (answer) => {
        if ("bytes" in answer) onBytes(answer.bytes);
        else resolve("hex" in answer ? answer.hex : undefined);
      };
      onEnd = () => resolve(undefined);
      worker.on("message", onMessage);
      worker.on("error", onEnd);
      worker.on("exit", onEnd);
      // A thread has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage(task);
    });
  } finally {
    if (onMessage !== undefined) worker.off("message", onMessage);
    if (onEnd !== undefined) worker.off("error", onEnd).off("exit", onEnd);
    worker.unref();
  }
}
