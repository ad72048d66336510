import { OcilotError } from "../errors.js";
import { stringEnd } from "./json-text.js";

/** Deeper nesting than this is refused; real documents stay under ten levels. */
export const MAX_JSON_DEPTH = 128;

/** What a Go decoder would pass over in silence, and ocilot must not edit. */
export interface JsonQuirk {
  readonly kind: "duplicate-key" | "trailing-bytes" | "invalid-utf8" | "misspelled-member";
  readonly message: string;
}

/** A decoded document: its text, where the first value ends, and what is odd about it. */
export interface JsonDocument {
  readonly text: string;
  readonly value: unknown;
  readonly quirks: readonly JsonQuirk[];
}

/**
 * Decodes the first JSON value of a document the way the Go tools do, and reports what they would pass over.
 * @throws OcilotError `DOCUMENT_INVALID` for a byte order mark or broken syntax, `LIMIT_EXCEEDED` for deep nesting
 */
export function readJson(bytes: Uint8Array, name: string): JsonDocument {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw invalid(name, "starts with a byte order mark");
  const quirks: JsonQuirk[] = [];
  const text = decode(bytes, quirks);
  const shape = inspect(text, name);
  if (shape.duplicate !== undefined)
    quirks.push({ kind: "duplicate-key", message: `the member ${JSON.stringify(shape.duplicate)} stands twice in one object` });
  if (/[^ \t\r\n]/.test(text.slice(shape.end))) {
    quirks.push({ kind: "trailing-bytes", message: `${text.length - shape.end} characters follow the first JSON value` });
  }
  return { text, value: parse(shape.end === text.length ? text : text.slice(0, shape.end), name), quirks };
}

/**
 * Decodes a whole document strictly: anything {@link readJson} would report as a quirk is an error.
 * @throws OcilotError `DOCUMENT_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  const { value, quirks } = readJson(bytes, name);
  const quirk = quirks.find((q) => q.kind !== "invalid-utf8");
  if (quirk !== undefined) throw invalid(name, quirk.message);
  return value;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

function decode(bytes: Uint8Array, quirks: JsonQuirk[]): string {
  try {
    return strict.decode(bytes);
  } catch {
    quirks.push({ kind: "invalid-utf8", message: "it holds bytes that are not UTF-8" });
    return decodeText(bytes);
  }
}

/** The text of a document, as {@link readJson} sees it: what is not UTF-8 becomes U+FFFD. */
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
 * Finds the end of the first value, its depth and a repeated key, in one pass without recursion. It trusts the
 * syntax no further than that: `JSON.parse` has the last word.
 */
function inspect(text: string, name: string): { end: number; duplicate?: string } {
  const keys: (Set<string> | undefined)[] = [];
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
      keys.push(c === 0x7b ? new Set() : undefined);
      expectKey = c === 0x7b;
    } else if (c === 0x7d || c === 0x5d) {
      keys.pop();
      expectKey = false;
      if (keys.length === 0) return finish(i + 1);
    } else if (c === 0x2c) {
      expectKey = keys[keys.length - 1] !== undefined;
    }
  }
  return finish(text.length);

  function finish(end: number): { end: number; duplicate?: string } {
    return duplicate === undefined ? { end } : { end, duplicate };
  }
}

function keyText(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  if (!raw.includes("\\")) return raw;
  try {
    // Go decodes every lone surrogate as U+FFFD, so two of them are one key.
    return (JSON.parse(text.slice(start, end)) as string).toWellFormed();
  } catch {
    return raw;
  }
}

function invalid(document: string, reason: string, cause?: unknown): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${document} ${reason}`, { document, path: "$", reason }, { cause });
}
