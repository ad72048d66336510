/** A range of an open file to hash, and perhaps to write to another file. Only numbers, so that it can be sent to a thread. */
export interface Move {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
  /** The file must end after the range. */
  readonly isWholeFile: boolean;
  /** Where the hashed bytes are written. */
  readonly to?: { readonly fd: number; readonly offset: number };
}

/** The functions that a move uses. */
export interface MoveTools {
  readonly readSync: (fd: number, buffer: Uint8Array, at: number, length: number, position: number) => number;
  readonly writeSync: (fd: number, buffer: Uint8Array, at: number, length: number, position: number) => number;
  readonly update: (bytes: Uint8Array) => void;
  /** The buffer for one read. Nothing else may change it: what is hashed is what is written. */
  readonly piece: Uint8Array;
  /** The number of bytes of one write. */
  readonly writeBytes: number;
}

/**
 * Reads, hashes and writes in one pass, and yields the size of each piece. Returns the number of bytes found: fewer than `size` if the file
 * ends early, one more if it should have ended and did not. It runs here and, as text, in a thread: it may use nothing but its arguments.
 */
export function* moveBytes(move: Move, { readSync, writeSync, update, piece, writeBytes }: MoveTools): Generator<number, number> {
  const { fd, offset, size, isWholeFile, to } = move;
  let seen = 0;
  while (seen < size) {
    const n = readSync(fd, piece, 0, Math.min(piece.length, size - seen), offset + seen);
    if (n === 0) return seen;
    update(n === piece.length ? piece : piece.subarray(0, n));
    if (to !== undefined) {
      for (let at = 0; at < n;) at += writeSync(to.fd, piece, at, Math.min(writeBytes, n - at), to.offset + seen + at);
    }
    seen += n;
    yield n;
  }
  return isWholeFile && readSync(fd, piece, 0, 1, offset + seen) > 0 ? seen + 1 : seen;
}
