import { closeSync, createReadStream, fstatSync, openSync, read, readSync } from "node:fs";
import { Readable } from "node:stream";
import { ioError } from "../filesystem/io-error.js";
import type { BlobExtent } from "../mover/blob-extent.js";
import { archiveInvalid } from "./archive-error.js";
import type { TarSource } from "./tar-source.js";

/** A stream must not close the file that other streams read. */
const SHARED = { read, close: (_fd: number, done: (error?: Error | null) => void): void => done(null) };

/** An open tar, read at any position. */
export class ArchiveFile implements TarSource {
  /** For messages. */
  readonly location: string;
  readonly size: number;
  readonly #fd: number;
  #users = 0;
  #state: "open" | "closing" | "closed" = "open";

  /** Takes over the descriptor and closes it in the end. */
  constructor(location: string, fd: number) {
    this.location = location;
    this.#fd = fd;
    this.size = fstatSync(fd).size;
  }

  /** Opens a file. @throws file-system errors as they come */
  static open(path: string): ArchiveFile {
    return new ArchiveFile(path, openSync(path, "r"));
  }

  /** Returns `length` bytes from `offset` on. @throws OcilotError `ARCHIVE_INVALID` if the file ends before that, `IO_ERROR` */
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

  /** Returns `length` bytes from `offset` on as a stream. */
  stream(offset: number, length: number): Readable {
    const fd = this.#checkedFd();
    if (length === 0) return Readable.from([]);
    this.#users++;
    const stream = createReadStream("", { fd, start: offset, end: offset + length - 1, highWaterMark: 1 << 20, fs: SHARED });
    return stream.on("close", () => this.#release());
  }

  /** Returns a range of the file to be read by its descriptor, which stays open until the range is closed. */
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

  /** Closes the file, when the last stream or range has ended. */
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
