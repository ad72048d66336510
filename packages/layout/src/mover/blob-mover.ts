import { readSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { setImmediate as breathe } from "node:timers/promises";
import { BlobThreads } from "./blob-threads.js";
import { OcilotError } from "../errors.js";
import { algorithmOf, createHasher } from "../content/hash.js";
import { ioError } from "../filesystem/io-error.js";
import { throwIfAborted } from "../abort.js";
import { type Move, moveBytes } from "./move-bytes.js";
import type { Descriptor } from "../spec/descriptor.js";
import { type Algorithm, blobPath } from "../spec/digest.js";
import type { BlobExtent } from "./blob-extent.js";
import { corrupt, sizeMismatch } from "../content/check-bytes.js";

/** For fewer bytes than this in total, starting threads takes longer than it saves. */
const MIN_BYTES = 32 << 20;
const MAX_THREADS = 7;
/** The number of bytes read and hashed at once. Small enough to stay in the cache of the core until it is written: measured from 16 KiB to 4 MiB. */
const PIECE_BYTES = 128 << 10;
/**
 * The number of bytes of one write. Linux caches a file in blocks of memory as large as the writes, and keeps freed blocks at hand up to 32 KiB
 * only: with larger writes it takes memory out of reserve for the whole file, which under a hypervisor the host must then supply. Measured
 * for 1 GiB: 0.4 s of system time with 32 KiB, 1.7 s with 128 KiB (`cp` too); with 16 KiB more for the calls.
 */
const WRITE_BYTES = 32 << 10;
/** The number of bytes that this thread moves before other work gets a turn. */
const TURN_BYTES = 2 << 20;

/** How a mover works. */
export interface MoverOptions {
  /** Threads in addition to this one (default: one for each other core if the blobs are large enough; 0 for none). */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Moves large blobs from file to file, several at once, in one pass each: reads, hashes and, where there is a target, writes. Memory does
 * not grow with their size. Close it in the end.
 * @internal Exported for the sibling packages, which write archives and upload blobs with the same threads.
 */
export class BlobMover {
  /** The number of blobs moved at once. */
  readonly lanes: number;
  #threads: BlobThreads | undefined;
  #startable: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stop();
  readonly #pieces: Uint8Array[] = [];
  #isStopped = false;

  /** @param sizes the sizes of all blobs to move, in bytes */
  constructor(sizes: readonly number[], options: MoverOptions = {}) {
    const { threads, signal } = options;
    this.#startable = Math.max(0, Math.min(threads ?? threadsFor(sizes), sizes.length - 1, MAX_THREADS));
    this.lanes = 1 + this.#startable;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /**
   * Hashes a blob, and with `to` writes its bytes as they are hashed, before the digest is known.
   * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ALGORITHM_UNSUPPORTED`, `ABORTED`, `IO_ERROR` of reading; errors of writing as
   * they come
   */
  async move(
    extent: BlobExtent,
    d: Descriptor,
    options: { readonly to?: Move["to"]; readonly onBytes?: ((n: number) => void) | undefined } = {},
  ): Promise<void> {
    const { to, onBytes } = options;
    const algorithm = algorithmOf(d.digest);
    const { fd, offset, size, isWholeFile } = extent;
    const move: Move = { fd, offset, size, isWholeFile, ...(to && { to }) };
    this.check();
    let told = 0;
    // A thread that gives up has reported bytes that are then moved again.
    const tell = (moved: number): void => {
      if (moved > told) onBytes?.(moved - told);
      told = Math.max(told, moved);
    };
    const { seen, digest } = (await this.#elsewhere(move, algorithm, tell)) ?? (await this.#here(move, d, tell));
    if (seen !== d.size) throw sizeMismatch(d, seen);
    if (digest !== d.digest) throw corrupt(d, digest);
  }

  /**
   * Calls `run` for each item in order, as many at once as there are lanes. After a failure it starts no more, stops the running moves, and
   * throws when all have ended.
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
    // Node has no blake3, and threads have only Node.
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
      const steps = moveBytes(move, { readSync, writeSync, update: (bytes) => hasher.update(bytes), piece, writeBytes: WRITE_BYTES });
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

  /** Starts the threads when the first blob is moved: all blobs may be shared or present already. */
  #started(): BlobThreads | undefined {
    const count = this.#startable;
    this.#startable = 0;
    if (count > 0) this.#threads = new BlobThreads(count, { pieceBytes: PIECE_BYTES, writeBytes: WRITE_BYTES });
    return this.#threads;
  }

  /** Checks whether moving may go on. @throws OcilotError `ABORTED` */
  check(): void {
    throwIfAborted(this.#signal);
    if (this.#isStopped) throw new OcilotError("ABORTED", "stopped, because another blob failed", {});
  }

  #stop(): void {
    this.#isStopped = true;
    this.#threads?.stop();
  }

  /** Ends the threads. No move may be running. */
  close(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#threads?.close();
  }
}

/** The number of bytes found, and their digest. */
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
