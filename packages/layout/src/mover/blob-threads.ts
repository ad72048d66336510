import type { Worker } from "node:worker_threads";
import { type Move, moveBytes } from "./move-bytes.js";
import { startThread } from "./start-thread.js";

/** The number of bytes moved, and their digest in hex. */
export interface Moved {
  readonly seen: number;
  readonly hex: string;
}

/** A thread reports progress in steps of this many bytes. */
const TELL_BYTES = 4 << 20;

/**
 * The code of a thread. If a bundler has put foreign code into `moveBytes`, the thread fails, and the blob is moved without it.
 */
const SCRIPT = `
const { parentPort, workerData } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const { readSync, writeSync } = require("node:fs");
const moveBytes = ${moveBytes.toString()};
const { stop, pieceBytes, writeBytes, tellBytes } = workerData;
const piece = Buffer.allocUnsafeSlow(pieceBytes);
parentPort.on("message", ({ move, algorithm }) => {
  try {
    const hash = createHash(algorithm);
    const steps = moveBytes(move, { readSync, writeSync, update: (bytes) => hash.update(bytes), piece, writeBytes });
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

/** Threads that move bytes between open files. They open no files themselves. */
export class BlobThreads {
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #alive: Set<Worker> = new Set();
  readonly #free: Worker[] = [];

  /**
   * Starts `count` threads, or as many as this process may start.
   * @param sizes the number of bytes read at once, and that of one write
   */
  constructor(count: number, sizes: { readonly pieceBytes: number; readonly writeBytes: number }) {
    const workerData = { stop: this.#stop, tellBytes: TELL_BYTES, ...sizes };
    for (let i = 0; i < count; i++) {
      const worker = startThread(SCRIPT, workerData);
      if (worker === undefined) return;
      // One after the other, so that no started thread is lost if the next one cannot start.
      worker.on("error", () => this.#alive.delete(worker));
      worker.on("exit", () => this.#alive.delete(worker));
      this.#alive.add(worker);
      this.#free.push(worker);
    }
  }

  /**
   * Moves bytes in a thread. Returns undefined if no thread is free, or the thread failed or was stopped; the file descriptors are not in
   * use then.
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

  /** Stops the running moves, each within a piece. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  /** Ends the threads. No move may be running. */
  close(): void {
    for (const worker of this.#alive) void worker.terminate();
    this.#alive.clear();
  }
}

/** Runs a task in a thread. Returns undefined if the thread refused, failed or ended. What `onBytes` throws is thrown after the answer. */
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
