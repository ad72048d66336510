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
  readonly #alive: Set<Worker> = new Set();
  readonly #free: Worker[] = [];

  /**
   * Starts `count` threads, or as many as this process may.
   * @param pieceBytes what is read and written at once
   */
  constructor(count: number, pieceBytes: number) {
    const workerData = { stop: this.#stop, tellBytes: TELL_BYTES, pieceBytes };
    for (let i = 0; i < count; i++) {
      const worker = startThread(workerData);
      if (worker === undefined) return;
      // One after the other, so that none that has started is left behind where the next cannot.
      worker.unref();
      worker.on("error", () => this.#alive.delete(worker));
      worker.on("exit", () => this.#alive.delete(worker));
      this.#alive.add(worker);
      this.#free.push(worker);
    }
  }

  /**
   * Undefined where no thread is free, or the one that was could not do it, or was stopped. The descriptors of the move are
   * not in use any more then, and in no other case before this returns.
   */
  async move(move: Move, algorithm: string, onBytes: (n: number) => void): Promise<Moved | undefined> {
    let worker = this.#free.pop();
    while (worker !== undefined && !this.#alive.has(worker)) worker = this.#free.pop();
    if (worker === undefined) return undefined;
    try {
      return await ask(worker, { move, algorithm }, onBytes);
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

/** Undefined where this process may not start another. */
function startThread(workerData: object): Worker | undefined {
  try {
    // What the process was started with (a preload, a profiler) is of no use to it.
    return new Worker(SCRIPT, { eval: true, execArgv: [], workerData });
  } catch {
    return undefined;
  }
}

/** Undefined where the thread refused, failed or was ended. What `onBytes` throws is thrown when the thread has answered. */
async function ask(worker: Worker, task: object, onBytes: (n: number) => void): Promise<Moved | undefined> {
  let onMessage: ((answer: Answer) => void) | undefined;
  let onEnd: (() => void) | undefined;
  let fault: { readonly error: unknown } | undefined;
  worker.ref();
  try {
    const moved = await new Promise<Moved | undefined>((resolve) => {
      onMessage = (answer) => {
        if (!("bytes" in answer)) return resolve("hex" in answer ? answer : undefined);
        try {
          if (fault === undefined) onBytes(answer.bytes);
        } catch (error) {
          fault = { error };
        }
      };
      onEnd = () => resolve(undefined);
      worker.on("message", onMessage);
      worker.on("error", onEnd);
      worker.on("exit", onEnd);
      // A thread has no origin.
      // oxlint-disable-next-line unicorn/require-post-message-target-origin
      worker.postMessage(task);
    });
    if (fault !== undefined) throw fault.error;
    return moved;
  } finally {
    if (onMessage !== undefined) worker.off("message", onMessage);
    if (onEnd !== undefined) worker.off("error", onEnd).off("exit", onEnd);
    worker.unref();
  }
}
