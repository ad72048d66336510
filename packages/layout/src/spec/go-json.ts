import type { JsonStyle } from "./json-text.js";

/** A value to write. An object is a list of members, so that their order is that of the writer. */
export type JsonNode = string | number | boolean | null | readonly JsonNode[] | JsonObject;
/** An object as the list of its members. */
export interface JsonObject {
  readonly members: readonly (readonly [key: string, value: JsonNode])[];
}

const COMPACT: JsonStyle = { lead: () => "", comma: ",", colon: ":" };

/**
 * Writes JSON as Go's `encoding/json` does, so that what ocilot writes has the bytes and the digest that the Go tools produce: `<`, `>`,
 * `&`, U+2028 and U+2029 are escaped, everything else outside ASCII is not.
 * @example
 * ```ts
 * import { goJson, sortedMembers } from "@ocilot/layout";
 *
 * console.log(goJson(sortedMembers({ name: "<b>", age: "1" }))); // {"age":"1","name":"\u003cb\u003e"}
 * ```
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

/**
 * Returns a map as members sorted as Go sorts map keys: by their UTF-8 bytes. Keys that Go cannot tell apart are written once.
 * @example
 * ```ts
 * import { goJson, sortedMembers } from "@ocilot/layout";
 *
 * console.log(goJson(sortedMembers({ b: "2", a: "1" }))); // {"a":"1","b":"2"}
 * ```
 */
export function sortedMembers(map: Readonly<Record<string, string>>): JsonObject {
  const wellFormed = new Map(Object.entries(map).map(([key, value]) => [key.toWellFormed(), value]));
  return { members: [...wellFormed].toSorted(([a], [b]) => compareUtf8(a, b)) };
}

/**
 * Compares strings by their UTF-8 bytes, which is the order of their code points.
 * @example
 * ```ts
 * import { compareUtf8 } from "@ocilot/layout";
 *
 * console.log(["b", "a", "ä"].toSorted(compareUtf8)); // a, b, ä
 * ```
 */
export function compareUtf8(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** UTF-16 orders surrogates below U+E000..U+FFFF, UTF-8 orders the characters that they encode above. */
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

/**
 * Returns true if Go would write the same as `JSON.stringify` did: nothing that Go escapes, no half of a surrogate pair.
 * @example
 * ```ts
 * import { isGoPlain } from "@ocilot/layout";
 *
 * console.log(isGoPlain('{"a":"b"}'), isGoPlain('{"a":"<b>"}')); // true false
 * ```
 */
export function isGoPlain(json: string): boolean {
  // One pass for each part is faster than a regular expression, which V8 interprets the first time.
  return !ODD.some((part) => json.includes(part));
}

const ODD: readonly string[] = ["<", ">", "&", "\u2028", "\u2029", "\\ud"];
