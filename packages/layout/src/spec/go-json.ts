import type { JsonStyle } from "./json-text.js";

/** A value to be written: an object is a list of members, so that the order is the writer's and not JavaScript's. */
export type JsonNode = string | number | boolean | null | readonly JsonNode[] | JsonObject;
/** Members in the order in which they are written. */
export interface JsonObject {
  readonly members: readonly (readonly [key: string, value: JsonNode])[];
}

const COMPACT: JsonStyle = { lead: () => "", comma: ",", colon: ":" };

/**
 * Writes JSON as Go's `encoding/json` does, so that what ocilot writes has the bytes, and so the digest, that the Go
 * tools would produce: `<`, `>`, `&`, U+2028 and U+2029 escaped, everything else outside ASCII raw.
 */
export function goJson(node: JsonNode, style: JsonStyle = COMPACT, depth = 0): string {
  if (typeof node === "string") return goString(node);
  if (node === null || typeof node !== "object") return String(node);
  const isArray = Array.isArray(node);
  const items = isArray
    ? (node as readonly JsonNode[]).map((item) => goJson(item, style, depth + 1))
    : (node as JsonObject).members.map(([key, value]) => goString(key) + style.colon + goJson(value, style, depth + 1));
  const [open, close] = isArray ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  const lead = style.lead(depth + 1);
  return open + lead + items.join(style.comma + lead) + style.lead(depth) + close;
}

/** Members sorted as Go sorts map keys: by their UTF-8 bytes; keys that Go cannot tell apart are written once. */
export function sortedMembers(map: Readonly<Record<string, string>>): JsonObject {
  const wellFormed = new Map(Object.entries(map).map(([key, value]) => [key.toWellFormed(), value]));
  return { members: [...wellFormed].toSorted(([a], [b]) => compareUtf8(a, b)) };
}

/** Orders strings by their UTF-8 bytes, which is the order of their code points. */
export function compareUtf8(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates below U+E000..U+FFFF, UTF-8 puts what they encode above. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const GO_ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

function goString(value: string): string {
  return JSON.stringify(value.toWellFormed()).replace(/[<>&\u2028\u2029]/g, (c) => GO_ESCAPES[c]!);
}

/** Tells whether what `JSON.stringify` wrote is what Go would write: nothing that Go escapes, no half of a surrogate pair. */
export function isGoPlain(json: string): boolean {
  // One pass for each is faster than an expression, which V8 interprets the first time.
  return !ODD.some((part) => json.includes(part));
}

const ODD: readonly string[] = ["<", ">", "&", "\u2028", "\u2029", "\\ud"];
