import { isOcilotError } from "@ocilot/layout";
import { type Answer, json } from "./answer.js";

/**
 * The codes of errors: those of distribution-spec, and `UNKNOWN` and `UNAVAILABLE`, which say that the fault is here.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "UNAVAILABLE"
  | "UNKNOWN";

const STATUS: Readonly<Record<RegistryErrorCode, number>> = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 413,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  UNAVAILABLE: 503,
  UNKNOWN: 500,
};

/** What may stand beside the message of a {@link RegistryError}. */
export interface RegistryErrorOptions {
  /** Instead of the usual status of the code. */
  readonly status?: number;
  readonly headers?: Answer["headers"];
  readonly detail?: unknown;
  readonly cause?: unknown;
}

/** A refusal in the words of the distribution-spec; thrown by an endpoint, sent as its answer. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  readonly status: number;
  readonly headers: NonNullable<Answer["headers"]>;
  readonly detail: unknown;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RegistryError";
    this.code = code;
    this.status = options.status ?? STATUS[code];
    this.headers = options.headers ?? {};
    this.detail = options.detail;
  }

  /** The answer in the form of the specification: one error. */
  answer(): Answer {
    const error = { code: this.code, message: this.message, ...(this.detail !== undefined && { detail: this.detail }) };
    return json(this.status, { errors: [error] }, this.headers);
  }
}

/** Returns what a failure means to a client. What went wrong inside is not told: the log has it. */
export function toRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const options = { cause: error };
  if (isOcilotError(error, "PATH_NOT_FOUND", "NOT_A_LAYOUT")) return new RegistryError("NAME_UNKNOWN", "repository not found", options);
  if (isOcilotError(error, "BLOB_NOT_FOUND")) return new RegistryError("BLOB_UNKNOWN", error.message, options);
  if (isOcilotError(error, "BLOB_CORRUPT", "SIZE_MISMATCH")) {
    return new RegistryError("BLOB_UNKNOWN", `the layout holds a corrupt copy: ${error.message}; push it again to repair it`, options);
  }
  if (isOcilotError(error, "DIGEST_INVALID", "ALGORITHM_UNSUPPORTED")) return new RegistryError("DIGEST_INVALID", error.message, options);
  if (isOcilotError(error, "LIMIT_EXCEEDED") && error.details.what === "manifest size")
    return new RegistryError("SIZE_INVALID", error.message, options);
  if (isOcilotError(error, "DOCUMENT_INVALID", "DESCRIPTOR_INVALID", "LIMIT_EXCEEDED"))
    return new RegistryError("MANIFEST_INVALID", error.message, options);
  if (isOcilotError(error, "LOCK_BUSY", "LOCK_LOST", "INDEX_CONFLICT")) {
    return new RegistryError("UNAVAILABLE", "another program is writing to this repository; try again", {
      ...options,
      headers: { "retry-after": "1" },
    });
  }
  if (isOcilotError(error, "REF_AMBIGUOUS")) return new RegistryError("DENIED", error.message, { ...options, status: 409 });
  if (isOcilotError(error, "WRITE_REFUSED", "CONVERSION_REFUSED")) return new RegistryError("DENIED", error.message, options);
  if (isOcilotError(error, "IO_ERROR") && ["ENOSPC", "EDQUOT"].includes(error.details.errno ?? "")) return diskFull(options);
  if (isOcilotError(error, "LAYOUT_INVALID", "ARCHIVE_INVALID", "LINK_OUTSIDE")) {
    return new RegistryError("UNKNOWN", "the repository is damaged on the server", options);
  }
  return new RegistryError("UNKNOWN", "internal error", options);
}

/** There is no room for what the client wants to store. */
export function diskFull(options: RegistryErrorOptions = {}): RegistryError {
  return new RegistryError("DENIED", "no room left on the server", { ...options, status: 507 });
}
