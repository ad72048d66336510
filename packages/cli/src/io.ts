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

/** What a command runs in. */
export interface Context {
  readonly io: Io;
  /** Fires when the user interrupts. */
  readonly signal: AbortSignal;
}

/** Prints lines to standard output, for people or as one JSON document. */
export function print(io: Io, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** Prints one long line piece by piece, no faster than it is read. */
export async function printPieces({ io, signal }: Context, pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) if (!io.stdout.write(piece)) await once(io.stdout, "drain", { signal });
  io.stdout.write("\n");
}
