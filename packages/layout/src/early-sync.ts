import { fdatasync } from "node:fs";
import { promisify } from "node:util";

/** So much is written before it is sent to the disk: enough to be worth a call, little beside what a page cache holds. */
const EARLY_BYTES = 32 << 20;

/**
 * Sends what is being written to a large file to the disk meanwhile, so that the sync at its end has little left to wait for. It
 * makes nothing durable by itself.
 */
export class EarlySync {
  readonly #fd: number;
  #unsent = 0;
  #underWay: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Notes bytes that have been written. */
  note(bytes: number): void {
    // Elsewhere it empties the drive's own cache each time.
    if (process.platform !== "linux") return;
    this.#unsent += bytes;
    if (this.#unsent < EARLY_BYTES || this.#underWay !== undefined) return;
    this.#unsent = 0;
    this.#underWay = promisify(fdatasync)(this.#fd).then(
      () => (this.#underWay = undefined),
      // A system tells of a lost write once: the sync at the end may know nothing of it.
      (error: unknown) => void (this.#failure = { error }),
    );
  }

  /** To be called before the file is closed. */
  async end(): Promise<void> {
    await this.#underWay;
  }

  /** To be called before the sync that counts. @throws file-system errors as they come */
  async settle(): Promise<void> {
    await this.end();
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
