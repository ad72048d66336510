import type { ErrorCode, ErrorDetails, OcilotError } from "@ocilot/layout";

/** What a script may rely on. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  damaged: 4,
  busy: 5,
  refused: 6,
  checkFailed: 7,
  inexpressible: 8,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

type CodeMap = { readonly [Code in ErrorCode]: ExitCode | ((details: ErrorDetails[Code]) => ExitCode) };

const CODES: CodeMap = {
  PATH_NOT_FOUND: EXIT.notFound,
  NOT_A_LAYOUT: EXIT.notFound,
  REF_NOT_FOUND: EXIT.notFound,
  BLOB_NOT_FOUND: EXIT.notFound,
  REF_AMBIGUOUS: EXIT.usage,
  USAGE: EXIT.usage,
  // Without a path it stands in no document: somebody typed it.
  DIGEST_INVALID: (details) => (details.path === undefined ? EXIT.usage : EXIT.damaged),
  DESCRIPTOR_INVALID: EXIT.damaged,
  DOCUMENT_INVALID: EXIT.damaged,
  LAYOUT_INVALID: EXIT.damaged,
  ARCHIVE_INVALID: EXIT.damaged,
  BLOB_CORRUPT: EXIT.damaged,
  SIZE_MISMATCH: EXIT.damaged,
  LIMIT_EXCEEDED: EXIT.damaged,
  ALGORITHM_UNSUPPORTED: EXIT.damaged,
  LOCK_BUSY: EXIT.busy,
  LOCK_LOST: EXIT.busy,
  INDEX_CONFLICT: EXIT.busy,
  STALE_PLAN: EXIT.busy,
  WRITE_REFUSED: EXIT.refused,
  CONVERSION_REFUSED: EXIT.refused,
  OUTPUT_EXISTS: EXIT.refused,
  UNSAFE_NAME: EXIT.refused,
  LINK_OUTSIDE: EXIT.refused,
  IO_ERROR: EXIT.failure,
  ABORTED: EXIT.interrupted,
};

/** The exit code of an error. */
export function exitCodeOf(error: OcilotError): ExitCode {
  const code = CODES[error.code] as ExitCode | ((details: unknown) => ExitCode);
  return typeof code === "function" ? code(error.details) : code;
}
