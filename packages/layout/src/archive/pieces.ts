import type { FileHandle } from "node:fs/promises";

/** What is handed to the system at once. */
export const RUN_BYTES: number = 1 << 20;

/** Bytes of an archive, and where in it they stand. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** The same pieces in fewer, larger runs: small ones are held back and handed on with what comes right behind them; none is copied. */
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
    // As many pieces as one system call takes.
    if (length < size && run.chunks.length < 1000) continue;
    yield run;
    length = 0;
  }
  if (length > 0) yield run;
}

/** Bytes that follow each other, from `start` on. */
export async function* piecesFrom(start: number, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  let at = start;
  for await (const bytes of chunks) {
    yield { at, bytes };
    at += bytes.length;
  }
}

/** Writes pieces to their places in a file, as long as `check` throws nothing. @throws file-system errors as they come, and what the pieces throw */
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
