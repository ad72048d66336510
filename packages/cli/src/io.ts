import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** The world outside a command, so that a test can put its own in place. */
export interface Io {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable;
  /** Standard output is a terminal. */
  readonly isTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Writes pieces of text to a stream, no faster than they are read, and ends the line. */
export async function writePieces(stream: Writable, pieces: Iterable<string>, signal: AbortSignal): Promise<void> {
  for (const piece of pieces) if (!stream.write(piece)) await once(stream, "drain", { signal });
  stream.write("\n");
}
