import { readSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setImmediate as breathe } from "node:timers/promises";
import { BlobThreads } from "./blob-threads.js";
import { OcilotError } from "./errors.js";
import { algorithmOf, createHasher } from "./hash.js";
import { ioError, throwIfAborted } from "./io-error.js";
import { type Move, moveBytes } from "./move-bytes.js";
import type { Descriptor } from "./spec/descriptor.js";
import { type Algorithm, blobPath } from "./spec/digest.js";
import type { BlobExtent } from "./storage.js";
import { corrupt, sizeMismatch } from "./verified-stream.js";

/** Below this much to move, starting threads takes longer than it saves. */
const MIN_BYTES = 32 << 20;
const MAX_THREADS = 7;
/**
 * What is read, hashed and written at once. Small enough to be in the core's own cache from reading to writing and to ask the page
 * cache for no large pieces, large enough that those who write to one file rarely wait for each other: measured from 16 KiB to 4 MiB.
 */
const PIECE_BYTES = 128 << 10;
/** What this thread moves between two turns of the event loop. */
const TURN_BYTES = 2 << 20;

/** How much is to be moved, and with what. */
export interface MoverOptions {
  /** Threads beside this one; unless told one for each other core where the blobs are large enough, 0 for none. */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Moves large blobs from file to file, several at once, in one pass each: what is read is hashed and, where it has to go
 * somewhere, written. Memory does not grow with their size. To be closed.
 */
export class BlobMover {
  /** How many blobs move at once. */
  readonly lanes: number;
  #threads: BlobThreads | undefined;
  #startable: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stop();
  readonly #pieces: Uint8Array[] = [];
  #isStopped = false;

  /** @param sizes of all that will be moved */
  constructor(sizes: readonly number[], { threads, signal }: MoverOptions = {}) {
    this.#startable = Math.max(0, Math.min(threads ?? threadsFor(sizes), sizes.length - 1, MAX_THREADS));
    this.lanes = 1 + this.#startable;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /**
   * Hashes a blob; with `to` its bytes are written there as they are hashed, whatever the hash will say.
   * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ALGORITHM_UNSUPPORTED`, `ABORTED`, `IO_ERROR` of reading; errors of
   * writing as they come
   */
  async move(
    extent: BlobExtent,
    d: Descriptor,
    { to, onBytes }: { readonly to?: Move["to"]; readonly onBytes?: ((n: number) => void) | undefined } = {},
  ): Promise<void> {
    const algorithm = algorithmOf(d.digest);
    const { fd, offset, size, isWholeFile } = extent;
    const move: Move = { fd, offset, size, isWholeFile, ...(to && { to }) };
    this.check();
    let told = 0;
    // A thread that gives up has told of bytes that are then moved once more.
    const tell = (moved: number): void => {
      if (moved > told) onBytes?.(moved - told);
      told = Math.max(told, moved);
    };
    const { seen, digest } = (await this.#elsewhere(move, algorithm, tell)) ?? (await this.#here(move, d, tell));
    if (seen !== d.size) throw sizeMismatch(d, seen);
    if (digest !== d.digest) throw corrupt(d, digest);
  }

  /**
   * Does something for each item, as many at once as there are lanes, and begins them in their order. After a failure
   * nothing more is begun, moves under way are ended, and only when all have ended does this throw it.
   */
  async each<Item>(items: Iterable<Item>, run: (item: Item) => Promise<void>): Promise<void> {
    const queue = items[Symbol.iterator]();
    let failure: { readonly error: unknown } | undefined;
    const lane = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true && failure === undefined; next = queue.next()) {
        try {
          await run(next.value);
        } catch (error) {
          failure ??= { error };
          this.#stop();
        }
      }
    };
    await Promise.all(Array.from({ length: this.lanes }, lane));
    if (failure !== undefined) throw failure.error;
  }

  async #elsewhere(move: Move, algorithm: Algorithm, tell: (moved: number) => void): Promise<Outcome | undefined> {
    // Node has no blake3, and a thread nothing but Node.
    const threads = algorithm === "blake3" ? undefined : this.#started();
    if (threads === undefined) return undefined;
    let moved = 0;
    const found = await threads.move(move, algorithm, (n) => tell((moved += n)));
    this.check();
    return found && { seen: found.seen, digest: `${algorithm}:${found.hex}` };
  }

  async #here(move: Move, d: Descriptor, tell: (moved: number) => void): Promise<Outcome> {
    const hasher = createHasher(algorithmOf(d.digest));
    const piece = this.#pieces.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    try {
      const steps = moveBytes(move, { readSync, writeSync, update: (bytes) => hasher.update(bytes), piece });
      let moved = 0;
      let turn = 0;
      for (;;) {
        const { value, done } = steps.next();
        if (done === true) return { seen: value, digest: hasher.digest() };
        moved += value;
        turn += value;
        if (turn < TURN_BYTES) continue;
        turn = 0;
        tell(moved);
        await breathe();
        this.check();
      }
    } catch (error) {
      throw isReading(error) ? ioError(error, blobPath(d.digest)) : error;
    } finally {
      this.#pieces.push(piece);
    }
  }

  /** Threads are started when there is the first blob to move: it may be that all are shared or there already. */
  #started(): BlobThreads | undefined {
    const count = this.#startable;
    this.#startable = 0;
    if (count > 0) this.#threads = new BlobThreads(count, PIECE_BYTES);
    return this.#threads;
  }

  /** @throws OcilotError `ABORTED` when nothing more is to be moved */
  check(): void {
    throwIfAborted(this.#signal);
    if (this.#isStopped) throw new OcilotError("ABORTED", "given up, because another blob failed", {});
  }

  #stop(): void {
    this.#isStopped = true;
    this.#threads?.stop();
  }

  /** Lets go of the threads; no move may be under way. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#threads?.close();
  }
}

/** What was found in the place of a blob. */
interface Outcome {
  readonly seen: number;
  readonly digest: string;
}

function threadsFor(sizes: readonly number[]): number {
  return sizes.reduce((sum, n) => sum + n, 0) < MIN_BYTES ? 0 : availableParallelism() - 1;
}

function isReading(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "read";
}
