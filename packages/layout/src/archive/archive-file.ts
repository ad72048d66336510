import { closeSync, createReadStream, fstatSync, openSync, read, readSync } from "node:fs";
import { Readable } from "node:stream";
import { ioError } from "../io-error.js";
import type { BlobExtent } from "../storage.js";
import { archiveInvalid } from "./archive-error.js";

/** A stream that ends, or is given up, would close the file under all others. */
const SHARED = { read, close: (_fd: number, done: (error?: Error | null) => void): void => done(null) };

/** An open tar, read at whatever place is asked for. */
export class ArchiveFile {
  /** For messages. */
  readonly location: string;
  readonly size: number;
  readonly #fd: number;
  #users = 0;
  #state: "open" | "closing" | "closed" = "open";

  /** Takes the descriptor over. */
  constructor(location: string, fd: number) {
    this.location = location;
    this.#fd = fd;
    this.size = fstatSync(fd).size;
  }

  /** @throws file-system errors as they come */
  static open(path: string): ArchiveFile {
    return new ArchiveFile(path, openSync(path, "r"));
  }

  /** @throws OcilotError `ARCHIVE_INVALID` if the file ends before that, `IO_ERROR` */
  read(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    try {
      while (filled < length) {
        const n = readSync(this.#checkedFd(), bytes, filled, length - filled, offset + filled);
        if (n === 0) throw archiveInvalid(this.location, "the file ends here", { offset: offset + filled });
        filled += n;
      }
    } catch (error) {
      throw ioError(error, this.location);
    }
    return bytes;
  }

  /** The bytes from `offset` on, as a stream in large pieces. */
  stream(offset: number, length: number): Readable {
    const fd = this.#checkedFd();
    if (length === 0) return Readable.from([]);
    this.#users++;
    const stream = createReadStream("", { fd, start: offset, end: offset + length - 1, highWaterMark: 1 << 20, fs: SHARED });
    return stream.on("close", () => this.#release());
  }

  /** The bytes from `offset` on, for whoever reads them with the file's own descriptor; it stays open until they are let go of. */
  extent(offset: number, size: number): BlobExtent {
    const fd = this.#checkedFd();
    this.#users++;
    let isHeld = true;
    const close = (): void => {
      if (isHeld) this.#release();
      isHeld = false;
    };
    return { fd, offset, size, isWholeFile: false, close };
  }

  /** Closes the file, once nobody reads from it any more. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = this.#users > 0 ? "closing" : "closed";
    if (this.#state === "closed") closeSync(this.#fd);
  }

  #release(): void {
    this.#users--;
    if (this.#state === "closing") this.close();
  }

  #checkedFd(): number {
    if (this.#state !== "open") throw new Error(`${this.location} is closed`);
    return this.#fd;
  }
}
