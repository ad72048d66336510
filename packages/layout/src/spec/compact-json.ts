/** The deepest nesting that is accepted. Real documents have less than ten levels. */
export const MAX_JSON_DEPTH = 128;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the text of UTF-8 bytes, with its byte order mark. @throws TypeError for anything else */
export function decodeStrictly(bytes: Uint8Array): string {
  return strict.decode(bytes);
}

/**
 * Returns the value of a document that is as long as the shortest text for its value, so that no key stands twice, no number is in another
 * form, and nothing follows the value. Undefined for any other document, and for one with an escape.
 */
export function parseCompact(text: string): unknown {
  // Without escapes the length of a string is known, and no two spellings are one key.
  if (text.includes("\\")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return compactLength(value) === text.length ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the length of the shortest text for a value without escapes. NaN if it is nested deeper than `depth` levels, or has a number that
 * may have been written in another form of that length or a shorter one: a fraction, and `1e2` for 100.
 */
export function compactLength(value: unknown, depth: number = MAX_JSON_DEPTH): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "number") {
    if (value === 0) return 1;
    return Number.isSafeInteger(value) && value % 100 !== 0 ? String(value).length : Number.NaN;
  }
  if (value === null || typeof value === "boolean") return value === false ? 5 : 4;
  if (depth === 0) return Number.NaN;
  // A comma follows each item but the last, which the closing bracket follows.
  let length = 1;
  if (Array.isArray(value)) {
    for (const item of value) length += compactLength(item, depth - 1) + 1;
    return value.length === 0 ? 2 : length;
  }
  for (const key in value as Record<string, unknown>) {
    length += key.length + 4 + compactLength((value as Record<string, unknown>)[key], depth - 1);
  }
  return length === 1 ? 2 : length;
}
