/** A part of content, both ends included, as HTTP counts. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Returns the one range that a `Range` header asks for, `"unsatisfiable"` if it lies outside the content, or undefined if the
 * whole content is to be sent: no header, another unit, several ranges, or a header that cannot be read.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  const first = Number(match[1]);
  const last = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  // The specification calls `500-0` invalid; registries answer it as one that cannot be satisfied.
  return first >= size || last < first ? "unsatisfiable" : { first, last };
}
