import { compactLength, decodeStrictly, parseCompact } from "./compact-json.js";
import { isRecord } from "./guards.js";
import type { ValuePool } from "./value-pool.js";

type Members = Readonly<Record<string, unknown>>;

/** A beginning that documents share: the text up to where a member starts, and the members before that. */
export interface Beginning {
  readonly text: string;
  readonly members: Members;
}

/** A document by its members; those of `beginning` come first and are not in `members`. */
export interface ContinuedDocument {
  readonly beginning?: Beginning;
  readonly members: Members;
}

/** A beginning is worth it from this part of a document on. */
const MIN_SHARE = 1 / 3;
/** Longer documents are not compared, in characters: those that are alike are small. */
const MAX_LENGTH = 64 * 1024;
/** Beginnings that are kept. Where documents begin in more ways than that, most are parsed whole. */
const MAX_BEGINNINGS = 8;

/**
 * Documents that begin alike, of which the beginning is parsed once: ten thousand referrers of one image that one program wrote differ in
 * their annotations or layers, and name the same type, config and subject.
 */
export class SimilarDocuments {
  readonly #beginnings: Beginning[] = [];
  #last: string | undefined;

  /** Reads an object in its shortest form, see {@link parseCompact}. Undefined for anything else. */
  read(text: string): ContinuedDocument | undefined {
    for (const beginning of this.#beginnings) {
      const members = text.startsWith(beginning.text) ? restOf(beginning, text) : undefined;
      if (members !== undefined) return { beginning, members };
    }
    const members = parseCompact(text);
    if (!isRecord(members)) return undefined;
    if (text.length <= MAX_LENGTH) this.#compare(text, members);
    return { members };
  }

  /** Keeps what a document and the one before it have in common at their beginning, once. */
  #compare(text: string, members: Members): void {
    const before = this.#last;
    this.#last = text;
    if (before === undefined || this.#beginnings.length === MAX_BEGINNINGS) return;
    const shared = sharedBeginning(text, members, before);
    if (shared !== undefined) this.#beginnings.push(shared);
  }
}

/** Reads a document as {@link SimilarDocuments.read} does; undefined too for bytes that are not UTF-8. */
export function parseSimilar(bytes: Uint8Array, similar: SimilarDocuments): ContinuedDocument | undefined {
  try {
    return similar.read(decodeStrictly(bytes));
  } catch {
    return undefined;
  }
}

const documents = new WeakMap<ValuePool, SimilarDocuments>();

/** The documents whose values a pool shares. */
export function documentsOf(sharing: ValuePool): SimilarDocuments {
  let known = documents.get(sharing);
  if (known === undefined) documents.set(sharing, (known = new SimilarDocuments()));
  return known;
}

/** The members behind a beginning; undefined where the document is not in its shortest form. */
function restOf({ text: beginning, members }: Beginning, text: string): Members | undefined {
  const rest = parseCompact(`{${text.slice(beginning.length)}`);
  if (!isRecord(rest)) return undefined;
  let isEmpty = true;
  for (const key in rest) {
    if (Object.hasOwn(members, key)) return undefined;
    isEmpty = false;
  }
  // A comma before the closing bracket is no JSON.
  return isEmpty ? undefined : rest;
}

/** Returns what two documents in their shortest form share up to the start of a member; undefined where that is too little. */
function sharedBeginning(text: string, members: Members, other: string): Beginning | undefined {
  const end = commonLength(text, other);
  const shared: Record<string, unknown> = {};
  let start = 1;
  for (const key in members) {
    // Behind the member: its key in quotes, a colon, the value, a comma.
    const next = start + key.length + 4 + compactLength(members[key]);
    if (next > end || key === "__proto__") break;
    shared[key] = members[key];
    start = next;
  }
  return start < text.length * MIN_SHARE ? undefined : { text: text.slice(0, start), members: shared };
}

function commonLength(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}
