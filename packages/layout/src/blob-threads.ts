import { Worker } from "node:worker_threads";
import { type Move, moveBytes } from "./move-bytes.js";

/** What a move came to. */
export interface Moved {
  readonly seen: number;
  readonly hex: string;
}

/** A thread tells of this many bytes at once. */
const TELL_BYTES = 4 << 20;

/**
 * What a thread runs. It is text, because the command line is one bundle without files beside it that a thread could be started
 * from. Where a bundler has put something into `moveBytes` that is not its own, the thread fails, and the blob is moved without it.
 */
const SCRIPT = `
const { parentPort, workerData } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const { readSync, writeSync } = require("node:fs");
const moveBytes = ${moveBytes.toString()};
const { stop, pieceBytes, tellBytes } = workerData;
const piece = Buffer.allocUnsafeSlow(pieceBytes);
parentPort.on("message", ({ move, algorithm }) => {
  try {
    const hash = createHash(algorithm);
    const steps = moveBytes(move, { readSync, writeSync, update: (bytes) => hash.update(bytes), piece });
    for (let untold = 0; ;) {
      if (Atomics.load(stop, 0) === 1) return parentPort.postMessage({ refused: true });
      const { value, done } = steps.next();
      if (done) return parentPort.postMessage({ seen: value, hex: hash.digest("hex") });
      untold += value;
      if (untold < tellBytes) continue;
      parentPort.postMessage({ bytes: untold });
      untold = 0;
    }
  } catch {
    parentPort.postMessage({ refused: true });
  }
});
`;

type Answer = { readonly bytes: number } | Moved | { readonly refused: true };

/** Threads that move bytes between files which this one has opened; none of them opens a file of its own. */
export class BlobThreads {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #alive: Set<Worker>;
  readonly #free: Worker[];

  /** @param pieceBytes what is read and written at once. @throws where this process may not start threads */
  constructor(count: number, pieceBytes: number) {
    const workerData = { stop: this.#stop, tellBytes: TELL_BYTES, pieceBytes };
    // What the process was started with (a preload, a profiler) is of no use to them.
    this.#free = Array.from({ length: count }, () => new Worker(SCRIPT, { eval: true, execArgv: [], workerData }));
    this.#alive = new Set(this.#free);
    for (const worker of this.#free) {
      worker.unref();
      worker.on("error", () => this.#alive.delete(worker));
      worker.on("exit", () => this.#alive.delete(worker));
    }
  }

  /**
   * Undefined where no thread is free, or the one that was could not do it, or was stopped. The descriptors of the move are
   * not in use any more then, and in no other case before this returns.
   */
  async move(move: Move, algorithm: string, onBytes: (n: number) => void): Promise<Moved | undefined> {
    const worker = this.#free.pop();
    if (worker === undefined) return undefined;
    try {
      return this.#alive.has(worker) ? await ask(worker, { move, algorithm }, onBytes) : undefined;
    } finally {
      this.#free.push(worker);
    }
  }

  /** Ends the moves that are under way, within a piece each. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  /** To be called when no move is under way. */
  close(): void {
    for (const worker of this.#alive) void worker.terminate();
    this.#alive.clear();
  }
}

/** Undefined where the thread refused, failed or was ended. */
async function ask(worker: Worker, task: object, onBytes: (n: number) => void): Promise<Moved | undefined> {
  let onMessage: ((answer: Answer) => void) | undefined;
  let onEnd: (() => void) | undefined;
  worker.ref();
  try {
    return await new Promise<Moved | undefined>((resolve) => {
      onMessage = (answer) => {
        if ("bytes" in answer) onBytes(answer.bytes);
        else resolve("hex" in answer ? answer : undefined);
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
