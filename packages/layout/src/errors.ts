/** A digest as it stands in a message; the branded type lives in `spec/digest.ts`, which throws these errors. */
type Digest = `${string}:${string}`;

/**
 * Every way an operation of ocilot can fail, with the details that each failure carries.
 * `path` is a JSON path into the document at fault (`$.manifests[3].digest`), `file` a path below the layout's root.
 */
export interface ErrorDetails {
  PATH_NOT_FOUND: { path: string };
  NOT_A_LAYOUT: { path: string };
  REF_NOT_FOUND: { reference: string; candidates?: readonly string[] };
  REF_AMBIGUOUS: { reference: string; candidates: readonly string[] };
  BLOB_NOT_FOUND: { digest: Digest };
  USAGE: { argument?: string };
  DIGEST_INVALID: { value: string; path?: string };
  DESCRIPTOR_INVALID: { path: string; reason: string };
  DOCUMENT_INVALID: { document: string; path: string; reason: string };
  LAYOUT_INVALID: { file: string; path?: string; reason: string };
  /** `member`: a name as it stands in the archive; `offset`: where its header begins. */
  ARCHIVE_INVALID: { archive: string; member?: string; offset?: number; reason: string };
  BLOB_CORRUPT: { digest: Digest; expected: string; found: string };
  SIZE_MISMATCH: { digest: Digest; expected: number; found: number };
  LIMIT_EXCEEDED: { what: string; limit: number; found: number };
  ALGORITHM_UNSUPPORTED: { digest: Digest };
  LINK_OUTSIDE: { file: string };
  LOCK_BUSY: { file: string; owner?: string };
  LOCK_LOST: { file: string };
  INDEX_CONFLICT: { expected: Digest; found: Digest };
  STALE_PLAN: { expected: Digest; found: Digest };
  WRITE_REFUSED: { reason: string; file?: string };
  CONVERSION_REFUSED: { to: string; reasons: readonly string[] };
  OUTPUT_EXISTS: { path: string };
  UNSAFE_NAME: { name: string; digest?: Digest };
  IO_ERROR: { path: string; syscall?: string; errno?: string };
  ABORTED: Record<string, never>;
}

/** The closed set of codes; stable, so that a script may rely on them. */
export type ErrorCode = keyof ErrorDetails;

/** What may stand beside the message of an {@link OcilotError}. */
export interface ErrorOptions {
  /** What to do next, as one sentence. */
  hint?: string;
  cause?: unknown;
}

/** The one error class of ocilot: a code, the details of that code, and mostly a hint. */
export class OcilotError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly details: ErrorDetails[Code];
  readonly hint: string | undefined;

  constructor(code: Code, message: string, details: ErrorDetails[Code], options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OcilotError";
    this.code = code;
    this.details = details;
    this.hint = options.hint;
  }
}

/** Tells whether `error` is an {@link OcilotError}, of one of `codes` if any are given. */
export function isOcilotError<Code extends ErrorCode>(error: unknown, ...codes: readonly Code[]): error is OcilotError<Code> {
  return error instanceof OcilotError && (codes.length === 0 || (codes as readonly string[]).includes(error.code));
}
