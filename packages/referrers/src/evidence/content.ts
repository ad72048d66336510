import { type Digest, isDigest, splitDigest } from "@ocilot/layout/spec";
import { MAX_SUBJECTS, type SignerClaims, type Statement, type StatementClass, type StatementNote, type UnwrapStep } from "./statement.js";

/** What the content of a layer turned out to be. */
export interface OpenedContent extends StatementClass {
  readonly predicateType?: string;
  readonly subjects: readonly Digest[];
  readonly subjectCount: number;
  readonly steps: readonly UnwrapStep[];
  readonly signer?: SignerClaims;
  readonly notes: readonly StatementNote[];
  /** The document inside; absent where the layer itself is the document, or where it could not be got at. */
  readonly document?: string | Uint8Array;
}

/** Content that is what `found` says, and no more. */
export function openedContent(found: StatementClass & Partial<OpenedContent>): OpenedContent {
  return { subjects: [], subjectCount: 0, steps: [], notes: [], ...found };
}

/** An envelope that cannot be opened: what it claims to be, and why. */
export function malformed(found: StatementClass & Partial<OpenedContent>, reason: string): OpenedContent {
  return openedContent({ ...found, notes: [...(found.notes ?? []), { code: "MALFORMED", message: reason }] });
}

/** Text of bytes that must be UTF-8; undefined where they are not, as what is cut out of it would not be what was signed. */
export function strictText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Collects the digests that a statement names, and whether the one that it is attached to is among them. */
export class NamedSubjects {
  readonly #expected: Digest | undefined;
  readonly #subjects = new Set<Digest>();
  #count = 0;
  #isNamed = false;
  #isComparable = false;

  constructor(expected: Digest | undefined) {
    this.#expected = expected;
  }

  /** Counts one subject with the digests that it has, each `algorithm:encoded`. What is not a digest is passed over. */
  add(digests: readonly string[]): void {
    this.#count++;
    for (const digest of digests) {
      if (!isDigest(digest)) continue;
      if (this.#subjects.size < MAX_SUBJECTS) this.#subjects.add(digest);
      if (this.#expected === undefined) continue;
      if (digest === this.#expected) this.#isNamed = true;
      else if (splitDigest(digest).algorithm === splitDigest(this.#expected).algorithm) this.#isComparable = true;
    }
  }

  /** What was collected. A digest of another algorithm may be of the same content, so it is no difference. */
  result(): Pick<Statement, "subjects" | "subjectCount" | "notes"> {
    const subjects = [...this.#subjects];
    const notes: StatementNote[] = [];
    if (this.#isComparable && !this.#isNamed) {
      const named = `${subjects[0]!}${this.#count > 1 ? ` and ${this.#count - 1} more` : ""}`;
      notes.push({ code: "SUBJECT_DIFFERS", message: `it names ${named}, not ${this.#expected!}` });
    }
    if (this.#count > MAX_SUBJECTS) {
      notes.push({ code: "SUBJECTS_LEFT_OUT", message: `it names ${this.#count} subjects; the first ${MAX_SUBJECTS} are kept` });
    }
    return { subjects, subjectCount: this.#count, notes };
  }
}
