import { fdatasync } from "node:fs";
import { promisify } from "node:util";

/** Bytes written before an early sync: enough to be worth a call, little compared to what a page cache holds. */
const EARLY_BYTES = 32 << 20;

/**
 * Syncs a large file while it is being written, so that the final sync has little left to do. Makes nothing durable by itself.
 * @internal Exported for the sibling packages, which write large files of their own.
 */
export class EarlySync {
  readonly #fd: number;
  #unsent = 0;
  #underWay: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Counts bytes that have been written, and starts a sync after enough of them. */
  note(bytes: number): void {
    // On other systems a sync empties the cache of the drive each time.
    if (process.platform !== "linux") return;
    this.#unsent += bytes;
    if (this.#unsent < EARLY_BYTES || this.#underWay !== undefined) return;
    this.#unsent = 0;
    this.#underWay = promisify(fdatasync)(this.#fd).then(
      () => (this.#underWay = undefined),
      // The system reports a lost write once: the final sync may not report it again.
      (error: unknown) => void (this.#failure = { error }),
    );
  }

  /** Waits for the running sync. Call it before the file is closed. */
  async end(): Promise<void> {
    await this.#underWay;
  }

  /** Waits for the running sync and reports its error. Call it before the final sync. @throws file-system errors as they come */
  async settle(): Promise<void> {
    await this.end();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
