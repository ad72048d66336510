import type { ContentStream } from "../content/content-stream.js";

/** The bytes of a tar, read at any position. A reader need not wait where `read` returns bytes at once. */
export interface TarSource {
  /** For messages. */
  readonly location: string;
  /** In bytes. */
  readonly size: number;
  /** Returns `length` bytes from `offset` on. @throws OcilotError `ARCHIVE_INVALID` if the source ends before that, `IO_ERROR` */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  /** Returns `length` bytes from `offset` on as a stream. */
  stream(offset: number, length: number): ContentStream;
}
