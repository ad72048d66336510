/** One member of an object. */
export interface OutlineMember {
  readonly type: "string" | "scalar" | "object" | "array";
  /** Where the value stands in the text; `end` is exclusive, and the text's end where the value is cut off. */
  readonly start: number;
  readonly end: number;
}

/** The members of one object, none of them decoded. */
export interface JsonOutline {
  /** By key; of a key that stands twice, the last, as Go takes it. */
  readonly members: ReadonlyMap<string, OutlineMember>;
  /** A key that stands twice: programs differ in which value they take. */
  readonly duplicate?: string;
  /** The object is closed. */
  readonly isWhole: boolean;
}

const MAX_MEMBERS = 2000;
const MAX_KEY = 512;
/** A string longer than this is not decoded by {@link memberText}. */
const MAX_TEXT = 64 * 1024;

/**
 * Lists the members of the object that begins at or behind `from`, in one pass without recursion; undefined where there is
 * none. The text may be cut off anywhere. It is not a check: text that is no JSON may have an outline.
 */
export function outlineOf(text: string, from = 0): JsonOutline | undefined {
  let i = skipSpace(text, from);
  if (text.charCodeAt(i) !== 0x7b) return undefined;
  const members = new Map<string, OutlineMember>();
  let duplicate: string | undefined;
  const result = (isWhole: boolean): JsonOutline => ({ members, isWhole, ...(duplicate !== undefined && { duplicate }) });
  i = skipSpace(text, i + 1);
  while (text.charCodeAt(i) === 0x22 && members.size < MAX_MEMBERS) {
    const keyEnd = stringEnd(text, i);
    if (keyEnd < 0) return result(false);
    const key = keyEnd - i > MAX_KEY ? undefined : decodeString(text.slice(i, keyEnd));
    i = skipSpace(text, keyEnd);
    if (text.charCodeAt(i) !== 0x3a) return result(false);
    const start = skipSpace(text, i + 1);
    const end = valueEnd(text, start);
    if (key !== undefined && start < text.length) {
      if (members.has(key)) duplicate ??= key;
      members.set(key, { type: typeAt(text, start), start, end: end < 0 ? text.length : end });
    }
    if (end < 0) return result(false);
    i = skipSpace(text, end);
    if (text.charCodeAt(i) !== 0x2c) break;
    i = skipSpace(text, i + 1);
  }
  return result(text.charCodeAt(i) === 0x7d);
}

/** The text of a member that is a string of reasonable length; undefined for any other. */
export function memberText(text: string, outline: JsonOutline | undefined, key: string): string | undefined {
  const member = outline?.members.get(key);
  if (member?.type !== "string" || member.end - member.start > MAX_TEXT) return undefined;
  // A slice would keep the whole text in memory for as long as somebody has the member.
  return parseString(text.slice(member.start, member.end));
}

/** The outline of a member that is an object. */
export function memberOutline(text: string, outline: JsonOutline | undefined, key: string): JsonOutline | undefined {
  const member = outline?.members.get(key);
  return member?.type === "object" ? outlineOf(text, member.start) : undefined;
}

/** The outlines of the elements of a member that is an array; elements that are no objects are passed over. */
export function* elementOutlines(text: string, outline: JsonOutline | undefined, key: string): Iterable<JsonOutline> {
  const member = outline?.members.get(key);
  if (member?.type !== "array") return;
  let i = skipSpace(text, member.start + 1);
  while (i < member.end - 1) {
    const end = valueEnd(text, i);
    const element = outlineOf(text, i);
    if (element !== undefined) yield element;
    if (end <= i) return;
    i = skipSpace(text, end);
    if (text.charCodeAt(i) !== 0x2c) return;
    i = skipSpace(text, i + 1);
  }
}

/** The outline of the first element of a member that is an array of objects. */
export function firstElement(text: string, outline: JsonOutline | undefined, key: string): JsonOutline | undefined {
  const member = outline?.members.get(key);
  return member?.type === "array" ? outlineOf(text, member.start + 1) : undefined;
}

/** A whole string literal without its quotes and escapes, however long; undefined where it is not one. */
export function decodeString(literal: string): string | undefined {
  if (literal.length < 2 || !literal.endsWith('"')) return undefined;
  return literal.includes("\\") ? parseString(literal) : literal.slice(1, -1);
}

function parseString(literal: string): string | undefined {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function typeAt(text: string, at: number): OutlineMember["type"] {
  const c = text.charCodeAt(at);
  return c === 0x22 ? "string" : c === 0x7b ? "object" : c === 0x5b ? "array" : "scalar";
}

/** Behind the last character of the value at `start`; -1 where it is cut off. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      const end = stringEnd(text, i);
      if (end < 0) return -1;
      if (depth === 0) return end;
      i = end - 1;
    } else if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return i;
      if (--depth === 0) return i + 1;
    } else if (depth === 0 && (c === 0x2c || isSpace(c))) return i;
  }
  return -1;
}

/** Behind the closing quote of the string that opens at `start`; -1 where it is cut off. */
function stringEnd(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (text.charCodeAt(first - 1) === 0x5c) first--;
    if (((quote - first) & 1) === 0) return quote + 1;
  }
  return -1;
}

function skipSpace(text: string, from: number): number {
  let i = from;
  while (isSpace(text.charCodeAt(i))) i++;
  return i;
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
