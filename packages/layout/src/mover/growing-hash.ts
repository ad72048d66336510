import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import type { Algorithm, Digest } from "../spec/digest.js";
import { startThread } from "./start-thread.js";

/** For fewer bytes than this, starting a thread takes longer than it saves. */
const MIN_BYTES = 32 << 20;
/** The number of new bytes after which the thread goes on. */
const TELL_BYTES = 8 << 20;
/** The number of bytes that the thread reads and hashes at once: they stay in the cache of its core. */
const PIECE_BYTES = 128 << 10;

const SCRIPT = `
const { parentPort } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const { readSync } = require("node:fs");
const piece = Buffer.allocUnsafeSlow(${PIECE_BYTES});
const files = new Map();
parentPort.on("message", ({ id, start, to, ends }) => {
  if (start) files.set(id, { fd: start.fd, hash: createHash(start.algorithm), at: 0 });
  const file = files.get(id);
  try {
    while (file && file.at < to) {
      const n = readSync(file.fd, piece, 0, Math.min(piece.length, to - file.at), file.at);
      if (n === 0) throw new Error("the file ended");
      file.hash.update(n === piece.length ? piece : piece.subarray(0, n));
      file.at += n;
    }
    if (ends) parentPort.postMessage({ id, hex: file && file.hash.digest("hex") });
  } catch {
    // It is hashed again where the file is written.
    files.delete(id);
    if (ends) parentPort.postMessage({ id });
  }
  if (ends) files.delete(id);
});
`;

interface Answer {
  readonly id: number;
  readonly hex?: string;
}

/** The thread, while a file is hashed in it: all files share it, since it hashes faster than any network delivers. */
let shared: HashThread | undefined;

class HashThread {
  readonly #worker: Worker;
  readonly #waiting: Map<number, (hex: string | undefined) => void> = new Map();
  #files = 0;
  #lastId = 0;
  #isAlive = true;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#worker.on("message", ({ id, hex }: Answer) => this.#answer(id, hex));
    for (const event of ["error", "exit"]) this.#worker.on(event, () => this.#end());
  }

  add(fd: number, algorithm: Algorithm): number {
    this.#files++;
    const id = ++this.#lastId;
    this.#post({ id, start: { fd, algorithm } });
    return id;
  }

  tell(id: number, to: number): void {
    this.#post({ id, to });
  }

  /** What the thread has found at `to`; undefined where it failed. The thread does not use the file any more then. */
  async finish(id: number, to: number): Promise<string | undefined> {
    try {
      return await new Promise((resolve) => {
        if (!this.#isAlive) return resolve(undefined);
        this.#waiting.set(id, resolve);
        this.#worker.ref();
        this.#post({ id, to, ends: true });
      });
    } finally {
      if (--this.#files === 0) this.#close();
    }
  }

  #post(message: object): void {
    // A thread has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(message);
  }

  #answer(id: number, hex: string | undefined): void {
    this.#waiting.get(id)?.(hex);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
  }

  #end(): void {
    this.#isAlive = false;
    for (const id of this.#waiting.keys()) this.#answer(id, undefined);
    if (shared === this) shared = undefined;
  }

  #close(): void {
    this.#end();
    void this.#worker.terminate();
  }
}

/**
 * Hashes a file in another thread while this one writes it from the beginning to the end. The file must stay open until {@link digest} or
 * {@link drop} has returned.
 */
export class GrowingHash {
  readonly #thread: HashThread;
  readonly #id: number;
  readonly #algorithm: Algorithm;
  #size = 0;
  #told = 0;
  #isDone = false;

  private constructor(thread: HashThread, fd: number, algorithm: Algorithm) {
    this.#thread = thread;
    this.#algorithm = algorithm;
    this.#id = thread.add(fd, algorithm);
  }

  /**
   * Returns undefined where a thread would not be of use: for a small file, on one processor, where none can be started, or where Node does
   * not know the algorithm.
   * @param size the size that the file will have, in bytes
   */
  static start(fd: number, algorithm: Algorithm, size: number): GrowingHash | undefined {
    if (size < MIN_BYTES || algorithm === "blake3" || availableParallelism() < 2) return undefined;
    if (shared === undefined) {
      const worker = startThread(SCRIPT);
      if (worker === undefined) return undefined;
      shared = new HashThread(worker);
    }
    return new GrowingHash(shared, fd, algorithm);
  }

  /** Says that the file has `size` bytes now. */
  grew(size: number): void {
    this.#size = size;
    if (size - this.#told < TELL_BYTES) return;
    this.#told = size;
    this.#thread.tell(this.#id, size);
  }

  /** Returns the digest of the file as it is now; undefined where the thread failed, so that the file has to be hashed here. */
  async digest(): Promise<Digest | undefined> {
    this.#isDone = true;
    const hex = await this.#thread.finish(this.#id, this.#size);
    return hex === undefined ? undefined : (`${this.#algorithm}:${hex}` as Digest);
  }

  /** Ends it, so that the file may be closed. */
  async drop(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await this.#thread.finish(this.#id, 0);
  }
}
