import type { FileHandle } from "node:fs/promises";

/** The number of bytes written in one system call. */
export const RUN_BYTES: number = 1 << 20;

/** Bytes of an archive and their position in it. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Joins small pieces that follow each other into runs of about `size` bytes. Copies none of them. */
export async function* runsOf(pieces: AsyncIterable<Piece>, size: number): AsyncIterable<{ at: number; chunks: Uint8Array[] }> {
  let run: { at: number; chunks: Uint8Array[] } = { at: 0, chunks: [] };
  let length = 0;
  for await (const { at, bytes } of pieces) {
    if (bytes.length === 0) continue;
    if (length > 0 && at !== run.at + length) {
      yield run;
      length = 0;
    }
    if (length === 0) run = { at, chunks: [] };
    run.chunks.push(bytes);
    length += bytes.length;
    // One system call takes at most about this many pieces.
    if (length < size && run.chunks.length < 1000) continue;
    yield run;
    length = 0;
  }
  if (length > 0) yield run;
}

/** Returns chunks as pieces that follow each other from `start` on. */
export async function* piecesFrom(start: number, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  let at = start;
  for await (const bytes of chunks) {
    yield { at, bytes };
    at += bytes.length;
  }
}

/**
 * Writes pieces to their positions in a file. Calls `check` before each write, to end early.
 * @throws file-system errors as they come, and what the pieces and `check` throw
 */
export async function writePieces(file: FileHandle, pieces: AsyncIterable<Piece>, check: () => void): Promise<void> {
  for await (const { at, chunks } of runsOf(pieces, RUN_BYTES)) {
    check();
    const total = chunks.reduce((sum, b) => sum + b.length, 0);
    const { bytesWritten } = await file.writev(chunks, at);
    if (bytesWritten === total) continue;
    const rest = Buffer.concat(chunks).subarray(bytesWritten);
    for (let done = 0; done < rest.length;) {
      done += (await file.write(rest, done, rest.length - done, at + bytesWritten + done)).bytesWritten;
    }
  }
}
