/** Shorter pieces are joined first, in characters: a call for each would take longer than the copy. */
const LONG = 32 * 1024;

/** Returns the UTF-8 bytes of a text in pieces, without making the whole text: new memory for a long one costs more than writing it. */
export function encodePieces(pieces: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  let length = 0;
  for (const piece of pieces) length += piece.length;
  // Right for ASCII, which nearly all documents are.
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of longer(pieces)) {
    const { read, written } = encoder.encodeInto(piece, bytes.subarray(at));
    at += written;
    if (read < piece.length) return encoder.encode(pieces.join(""));
  }
  return at === length ? bytes : encoder.encode(pieces.join(""));
}

function* longer(pieces: readonly string[]): Iterable<string> {
  let short: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    if (piece.length < LONG) {
      short.push(piece);
      length += piece.length;
    }
    if (length >= LONG || (piece.length >= LONG && length > 0)) {
      yield short.join("");
      short = [];
      length = 0;
    }
    if (piece.length >= LONG) yield piece;
  }
  yield short.join("");
}
