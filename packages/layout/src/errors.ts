/** A digest that has not been checked. The branded type is in `spec/digest.ts`, which throws these errors and so cannot be imported here. */
export type DigestText = `${string}:${string}`;

/** What a path without a layout holds, where it can be told. */
export type NotALayoutReason =
  /** No `index.json`. */
  | "no-index"
  | "not-a-directory"
  /** Neither a directory nor a tar. */
  | "not-an-archive"
  /** The files of a docker archive in a directory, or `docker save` unpacked. */
  | "docker-archive"
  /** What `skopeo copy … dir:` writes. */
  | "skopeo-dir"
  /** The layout is one folder further down. */
  | "layout-below";

/**
 * The ways in which an operation of ocilot can fail, with the details of each failure.
 * `path` is a JSON path into the invalid document (`$.manifests[3].digest`) or a path of the file system, `file` a path below the
 * layout's root.
 */
export interface ErrorDetails {
  PATH_NOT_FOUND: { path: string };
  NOT_A_LAYOUT: { path: string; reason?: NotALayoutReason };
  REF_NOT_FOUND: { reference: string; candidates?: readonly string[] };
  REF_AMBIGUOUS: { reference: string; candidates: readonly string[] };
  BLOB_NOT_FOUND: { digest: DigestText };
  USAGE: { argument?: string };
  DIGEST_INVALID: { value: string; path?: string };
  DESCRIPTOR_INVALID: { path: string; reason: string };
  DOCUMENT_INVALID: { document: string; path: string; reason: string };
  LAYOUT_INVALID: { file: string; path?: string; reason: string };
  /** `member`: the name as written in the archive; `offset`: where its header begins, in bytes. */
  ARCHIVE_INVALID: { archive: string; member?: string; offset?: number; reason: string };
  BLOB_CORRUPT: { digest: DigestText; expected: string; found: string };
  SIZE_MISMATCH: { digest: DigestText; expected: number; found: number };
  LIMIT_EXCEEDED: { what: string; limit: number; found: number };
  ALGORITHM_UNSUPPORTED: { digest: DigestText };
  LINK_OUTSIDE: { file: string };
  LOCK_BUSY: { file: string; owner?: string };
  LOCK_LOST: { file: string };
  INDEX_CONFLICT: { expected: DigestText; found: DigestText };
  STALE_PLAN: { expected: DigestText; found: DigestText };
  WRITE_REFUSED: { reason: string; file?: string };
  CONVERSION_REFUSED: { to: string; reasons: readonly string[] };
  OUTPUT_EXISTS: { path: string };
  UNSAFE_NAME: { name: string; digest?: DigestText };
  REFERENCE_INVALID: { reference: string; reason: string };
  /** The registry refused the request. `registryCode`: the registry's own code, such as `MANIFEST_INVALID`. */
  REGISTRY_REFUSED: { host: string; operation: string; status: number; registryCode?: string };
  /** The registry's answer violates the distribution specification, or ocilot does not follow it. */
  RESPONSE_INVALID: { host: string; operation: string; reason: string };
  AUTH_FAILED: { host: string; status?: number; reason: string };
  /** A credential helper or file does not work; `source` is the helper's name or the file's path. */
  CREDENTIALS_UNAVAILABLE: { source: string; reason: string };
  NETWORK_ERROR: { host: string; operation: string; attempts: number; errno?: string };
  /** What this version of Node, or ocilot itself, cannot do; the input may be sound. */
  UNSUPPORTED: { feature: string };
  IO_ERROR: { path: string; syscall?: string; errno?: string };
  /** The content may be sound: this user or system may not read or write it (EACCES, EPERM, EROFS, EBUSY, ETXTBSY). */
  ACCESS_DENIED: { path: string; syscall: string; errno: string };
  ABORTED: Record<string, never>;
}

/** The error codes. The set is closed and the codes are stable: scripts may rely on them. */
export type ErrorCode = keyof ErrorDetails;

/** The optional parts of an {@link OcilotError}. */
export interface ErrorOptions {
  /** What to do next, in one sentence. */
  hint?: string;
  cause?: unknown;
}

/**
 * The error class of ocilot: a code, the details that belong to it, and usually a hint.
 * @example
 * ```ts
 * import { Layout, OcilotError } from "@ocilot/layout";
 *
 * try {
 *   await Layout.open("./nowhere");
 * } catch (error) {
 *   if (error instanceof OcilotError) console.error(error.code, error.message, error.hint);
 *   else throw error;
 * }
 * ```
 */
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

/**
 * Returns true if `error` is an {@link OcilotError} with one of `codes`, or with any code if none are given.
 * @example
 * ```ts
 * import { isOcilotError, openLayout } from "@ocilot/layout";
 *
 * try {
 *   await openLayout("./nowhere");
 * } catch (error) {
 *   if (isOcilotError(error, "PATH_NOT_FOUND")) console.log(error.details.path, error.hint);
 *   else throw error;
 * }
 * ```
 */
export function isOcilotError<Code extends ErrorCode>(error: unknown, ...codes: readonly Code[]): error is OcilotError<Code> {
  return error instanceof OcilotError && (codes.length === 0 || (codes as readonly string[]).includes(error.code));
}

/**
 * Returns true if `error` comes from the file system or the rights on it, and so says nothing about the content of a layout.
 * @example
 * ```ts
 * import { isIoFailure, Layout } from "@ocilot/layout";
 *
 * try {
 *   await Layout.open("./layout");
 * } catch (error) {
 *   console.log(isIoFailure(error) ? "the layout may be whole: try again" : error);
 * }
 * ```
 */
export function isIoFailure(error: unknown): error is OcilotError<"IO_ERROR" | "ACCESS_DENIED"> {
  return error instanceof OcilotError && (error.code === "IO_ERROR" || error.code === "ACCESS_DENIED");
}
