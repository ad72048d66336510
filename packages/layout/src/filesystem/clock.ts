import { closeSync, lstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempName } from "./temp-file.js";

/** How long a measured offset is used, in milliseconds. */
const MEASURE_MS = 10_000;

/**
 * The clock of the file system that holds `directory`. A file server has a clock of its own, and so has another host that writes to the
 * same volume: an age is right only if both times come from one clock.
 */
export class FileSystemClock {
  readonly #directory: string;
  #offset = 0;
  #measured: number | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Returns the time in milliseconds since 1970. Where no file can be made, it is this machine's time. */
  now(): number {
    const elapsed = performance.now();
    if (this.#measured === undefined || elapsed - this.#measured > MEASURE_MS) {
      this.#offset = this.#time() - Date.now();
      this.#measured = elapsed;
    }
    return Date.now() + this.#offset;
  }

  /** The modification time of a new, empty file: it needs no free block, so this works on a full disk. */
  #time(): number {
    const path = join(this.#directory, tempName());
    try {
      closeSync(openSync(path, "wx", 0o600));
      return lstatSync(path).mtimeMs;
    } catch {
      return Date.now();
    } finally {
      removeTemp(path);
    }
  }
}
