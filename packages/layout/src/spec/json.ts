import { OcilotError } from "../errors.js";
import { MAX_JSON_DEPTH, decodeStrictly, parseCompact } from "./compact-json.js";
import { stringEnd } from "./json-text.js";

export { MAX_JSON_DEPTH } from "./compact-json.js";

/** An irregularity that a Go decoder ignores or refuses, and that makes an edit unsafe. */
export interface JsonQuirk {
  readonly kind: "duplicate-key" | "trailing-bytes" | "invalid-utf8" | "misspelled-member" | "number-form";
  readonly message: string;
}

/** A decoded document: its text, its first value, and its irregularities. */
export interface JsonDocument {
  readonly text: string;
  readonly value: unknown;
  readonly quirks: readonly JsonQuirk[];
}

/**
 * Decodes the first JSON value of a document as the Go tools do, and reports what they ignore, and the one thing that `JSON.parse` hides
 * and they refuse: an integer member written as `239.0` or `239e0`.
 * @throws OcilotError `DOCUMENT_INVALID` for a byte order mark or broken syntax, `LIMIT_EXCEEDED` for deep nesting
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { readJson } from "@ocilot/layout";
 *
 * const { value, quirks } = readJson(await readFile("./layout/index.json"), "index.json");
 * console.log(value, quirks); // no quirks: every tool reads the same
 * ```
 */
export function readJson(bytes: Uint8Array, name: string): JsonDocument {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw invalid(name, "starts with a byte order mark");
  const quirks: JsonQuirk[] = [];
  const text = decode(bytes, quirks);
  if (quirks.length === 0) {
    const value = parseCompact(text);
    if (value !== undefined) return { text, value, quirks };
  }
  const shape = inspect(text, name);
  if (shape.duplicate !== undefined)
    quirks.push({ kind: "duplicate-key", message: `the member ${JSON.stringify(shape.duplicate)} occurs twice in one object` });
  if (shape.number !== undefined) quirks.push({ kind: "number-form", message: notInteger(shape.number) });
  if (/[^ \t\r\n]/.test(text.slice(shape.end))) {
    quirks.push({ kind: "trailing-bytes", message: `${text.length - shape.end} characters follow the first JSON value` });
  }
  return { text, value: parse(shape.end === text.length ? text : text.slice(0, shape.end), name), quirks };
}

/**
 * Decodes a whole document strictly: a quirk that {@link readJson} would report is an error.
 * @throws OcilotError `DOCUMENT_INVALID`, `LIMIT_EXCEEDED`
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parseJson } from "@ocilot/layout";
 *
 * console.log(parseJson(await readFile("./layout/oci-layout"), "oci-layout")); // throws DOCUMENT_INVALID
 * ```
 */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  const { value, quirks } = readJson(bytes, name);
  const quirk = quirks.find((q) => q.kind !== "invalid-utf8");
  if (quirk !== undefined) throw invalid(name, quirk.message);
  return value;
}

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

function decode(bytes: Uint8Array, quirks: JsonQuirk[]): string {
  try {
    return decodeStrictly(bytes);
  } catch {
    quirks.push({ kind: "invalid-utf8", message: "it holds bytes that are not UTF-8" });
    return decodeText(bytes);
  }
}

/**
 * Returns the text of a document as {@link readJson} decodes it: bytes that are not UTF-8 become U+FFFD.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { decodeText } from "@ocilot/layout";
 *
 * console.log(decodeText(await readFile("./layout/oci-layout")));
 * ```
 */
export function decodeText(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = text.trim() === "" ? "is empty" : `is not valid JSON: ${(cause as Error).message}`;
    throw invalid(name, why, cause);
  }
}

/**
 * Finds the end of the first value, a repeated key and an integer member in another form, and checks the depth, in one pass without recursion. Relies on no more syntax than
 * that: `JSON.parse` checks the rest.
 */
function inspect(text: string, name: string): Shape {
  const keys: (Set<string> | undefined)[] = [];
  // The last key of each level, and undefined for an array.
  const path: (string | undefined)[] = [];
  let number: string | undefined;
  let duplicate: string | undefined;
  let expectKey = false;
  let i = 0;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      const end = stringEnd(text, i);
      if (end < 0) break;
      if (expectKey) {
        const key = keyText(text, i, end);
        const seen = keys[keys.length - 1];
        if (seen?.has(key)) duplicate ??= key;
        seen?.add(key);
        path[keys.length - 1] = key;
        expectKey = false;
      } else if (keys.length === 0) return finish(end);
      i = end - 1;
    } else if (c === 0x7b || c === 0x5b) {
      if (keys.length === MAX_JSON_DEPTH) {
        throw new OcilotError("LIMIT_EXCEEDED", `${name}: nested deeper than ${MAX_JSON_DEPTH} levels`, {
          what: "JSON nesting",
          limit: MAX_JSON_DEPTH,
          found: MAX_JSON_DEPTH + 1,
        });
      }
      path[keys.length] = undefined;
      keys.push(c === 0x7b ? new Set() : undefined);
      expectKey = c === 0x7b;
    } else if (c === 0x7d || c === 0x5d) {
      keys.pop();
      expectKey = false;
      if (keys.length === 0) return finish(i + 1);
    } else if (c === 0x2c) {
      expectKey = keys[keys.length - 1] !== undefined;
    } else if (number === undefined && (c === 0x2e || c === 0x65 || c === 0x45) && isDigit(text.charCodeAt(i - 1))) {
      if (isIntegerMember(path, keys.length)) number = numberAt(text, i);
    }
  }
  return finish(text.length);

  function finish(end: number): Shape {
    return { end, ...(duplicate !== undefined && { duplicate }), ...(number !== undefined && { number }) };
  }
}

interface Shape {
  readonly end: number;
  readonly duplicate?: string;
  /** As it is written. */
  readonly number?: string;
}

const DESCRIPTOR_MEMBERS: ReadonlySet<string> = new Set(["config", "subject"]);
const DESCRIPTOR_LISTS: ReadonlySet<string> = new Set(["manifests", "layers", "blobs"]);

/** Returns true for `schemaVersion` and for the `size` of a descriptor, in any case of letters: Go reads them as integers. */
function isIntegerMember(path: readonly (string | undefined)[], depth: number): boolean {
  const [root, list, ...rest] = path.slice(0, depth).map((key) => key?.toLowerCase());
  if (depth === 1) return root === "schemaversion";
  if (depth === 2) return list === "size" && root !== undefined && DESCRIPTOR_MEMBERS.has(root);
  return depth === 3 && list === undefined && rest[0] === "size" && root !== undefined && DESCRIPTOR_LISTS.has(root);
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function numberAt(text: string, at: number): string {
  const start = text.slice(Math.max(0, at - 40), at).search(/-?[0-9]+$/);
  return /^[-+.0-9eE]{1,60}/.exec(text.slice(Math.max(0, at - 40) + start))![0];
}

function notInteger(number: string): string {
  return `the number ${number} is not written as an integer, and tools in Go refuse the whole document`;
}

function keyText(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  if (!raw.includes("\\")) return raw;
  try {
    // Go decodes every lone surrogate as U+FFFD, so two of them are the same key.
    return (JSON.parse(text.slice(start, end)) as string).toWellFormed();
  } catch {
    return raw;
  }
}

function invalid(document: string, reason: string, cause?: unknown): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${document} ${reason}`, { document, path: "$", reason }, { cause });
}
