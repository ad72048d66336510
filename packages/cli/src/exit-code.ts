import type { ErrorCode, ErrorDetails, OcilotError } from "@ocilot/layout";

/** The exit codes; stable, so that a script may rely on them. */
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

/** What each code means, for help and manual pages. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: "success",
  1: "failure, for example a full disk",
  2: "wrong usage, or an ambiguous reference",
  3: "no such path, tag or digest, or not a layout",
  4: "malformed or corrupt content",
  5: "busy: another process is writing",
  6: "refused, nothing changed",
  7: "a check found something",
  8: "done, but something was left behind",
  130: "interrupted",
};

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
  REFERENCE_INVALID: EXIT.usage,
  REGISTRY_REFUSED: (details) =>
    details.status === 404 ? EXIT.notFound : [409, 412, 423].includes(details.status) ? EXIT.busy : EXIT.failure,
  RESPONSE_INVALID: EXIT.damaged,
  AUTH_FAILED: EXIT.failure,
  CREDENTIALS_UNAVAILABLE: EXIT.failure,
  NETWORK_ERROR: EXIT.failure,
  UNSUPPORTED: EXIT.failure,
  IO_ERROR: EXIT.failure,
  ACCESS_DENIED: EXIT.failure,
  ABORTED: EXIT.interrupted,
};

/** The exit code of an error. */
export function exitCodeOf(error: OcilotError): ExitCode {
  const code = CODES[error.code] as ExitCode | ((details: unknown) => ExitCode);
  return typeof code === "function" ? code(error.details) : code;
}
