/** A range of a text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An element of an array, or a member of an object with its key. `value` is the range of the value. */
export interface Item extends Span {
  readonly key?: string;
  readonly value: Span;
}

/** Returns where the string that opens at `start` ends (after its closing quote), or -1. */
export function stringEnd(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (text.charCodeAt(first - 1) === 0x5c) first--;
    if (((quote - first) & 1) === 0) return quote + 1;
  }
  return -1;
}

/** Returns the range of the value at or after `from`. The text must be valid JSON. */
function valueSpan(text: string, from: number): Span {
  const start = skipSpace(text, from);
  let depth = 0;
  let i = start;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      i = stringEnd(text, i);
      if (depth === 0) break;
      continue;
    }
    if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) break;
      depth--;
      if (depth === 0) {
        i++;
        break;
      }
    } else if (depth === 0 && (c === 0x2c || isSpace(c))) break;
    i++;
  }
  return { start, end: i };
}

/** An array or object and its items. */
export interface Container extends Span {
  readonly items: readonly Item[];
}

/** Returns the array or object at or after `from` with its items in order, keys as Go decodes them. The text must be valid JSON. */
export function containerAt(text: string, from: number): Container {
  const start = skipSpace(text, from);
  const isObject = text.charCodeAt(start) === 0x7b;
  const close = isObject ? 0x7d : 0x5d;
  const items: Item[] = [];
  let i = skipSpace(text, start + 1);
  while (text.charCodeAt(i) !== close) {
    if (isObject) {
      const keyEnd = stringEnd(text, i);
      const key = (JSON.parse(text.slice(i, keyEnd)) as string).toWellFormed();
      const value = valueSpan(text, skipSpace(text, keyEnd) + 1);
      items.push({ start: i, end: value.end, key, value });
    } else {
      const value = valueSpan(text, i);
      items.push({ start: i, end: value.end, value });
    }
    i = skipSpace(text, items[items.length - 1]!.end);
    if (text.charCodeAt(i) === 0x2c) i = skipSpace(text, i + 1);
  }
  return { start, end: i + 1, items };
}

/** The layout of a JSON document, for additions in the same style. */
export interface JsonStyle {
  /** The text between a bracket and the first item at depth `n`, and before each further item. */
  readonly lead: (depth: number) => string;
  readonly comma: string;
  readonly colon: string;
}

/** Returns the style of the outermost object of a document. */
export function styleOf(text: string, root: Container): JsonStyle {
  const { items } = root;
  const first = items[0];
  if (first === undefined) return compact;
  const lead = text.slice(root.start + 1, first.start);
  const colon = text.slice(stringEnd(text, first.start), first.value.start);
  const indent = /^(\r?\n)([ \t]*)$/.exec(lead);
  if (indent !== null) return { lead: (depth) => indent[1] + indent[2]!.repeat(depth), comma: ",", colon };
  const second = items[1];
  return { lead: () => "", comma: second === undefined ? "," : text.slice(first.end, second.start), colon };
}

const compact: JsonStyle = { lead: () => "", comma: ",", colon: ":" };

function skipSpace(text: string, from: number): number {
  let i = from;
  while (isSpace(text.charCodeAt(i))) i++;
  return i;
}

function isSpace(c: number): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}
