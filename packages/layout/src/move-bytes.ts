/** Bytes of one open file to be hashed, and perhaps written to another: numbers of this process, so that a thread can be told. */
export interface Move {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
  /** The file is to end behind them. */
  readonly isWholeFile: boolean;
  /** Where the very bytes that are hashed are written to. */
  readonly to?: { readonly fd: number; readonly offset: number };
}

/** What a move is done with. */
export interface MoveTools {
  readonly readSync: (fd: number, buffer: Uint8Array, at: number, length: number, position: number) => number;
  readonly writeSync: (fd: number, buffer: Uint8Array, at: number, length: number, position: number) => number;
  readonly update: (bytes: Uint8Array) => void;
  /** What is read at once. Nobody else may touch it meanwhile: what has been hashed is what gets written. */
  readonly piece: Uint8Array;
}

/**
 * Reads, hashes and writes in one pass, and tells of each piece. Returns how many bytes there were: fewer than `size` where the
 * file ends early, one more where it should end and does not.
 * It is run as it stands here, and as text in a thread: nothing but its arguments is known to it.
 */
export function* moveBytes(move: Move, { readSync, writeSync, update, piece }: MoveTools): Generator<number, number> {
  const { fd, offset, size, isWholeFile, to } = move;
  let seen = 0;
  while (seen < size) {
    const n = readSync(fd, piece, 0, Math.min(piece.length, size - seen), offset + seen);
    if (n === 0) return seen;
    update(n === piece.length ? piece : piece.subarray(0, n));
    if (to !== undefined) {
      for (let at = 0; at < n;) at += writeSync(to.fd, piece, at, n - at, to.offset + seen + at);
    }
    seen += n;
    yield n;
  }
  return isWholeFile && readSync(fd, piece, 0, 1, offset + seen) > 0 ? seen + 1 : seen;
}
