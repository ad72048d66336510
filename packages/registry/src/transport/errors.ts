import { OcilotError, isRecord } from "@ocilot/layout/spec";

/** Identifies a request in error messages; contains no secret. */
export interface RequestLabel {
  /** The registry, as in a reference. */
  readonly host: string;
  /** For a person: `get manifest v1 of library/alpine`. */
  readonly operation: string;
}

/** Network errors after which a request is retried. */
const PASSING: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_INFO",
]);
const CERTIFICATE = /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HOSTNAME_MISMATCH/;
const NOT_TLS = /EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|ERR_SSL_UNEXPECTED_MESSAGE/;

/** A failure of the content of a request, as opposed to the network; its cause is what the source threw. */
export class SourceError extends Error {}

/** The code of a network error; of several addresses that were tried, that of the last. */
export function networkCode(error: unknown): string | undefined {
  for (let depth = 0, at: unknown = error; depth < 5 && at instanceof Error; depth++) {
    const code = (at as NodeJS.ErrnoException).code;
    if (typeof code === "string" && code !== "UND_ERR_ABORTED") return code;
    if (at.name === "HTTPParserError") return "HPE_INVALID";
    at = at instanceof AggregateError ? at.errors.at(-1) : at.cause;
  }
  return undefined;
}

/** Tells whether a failed request is worth a retry. */
export function isPassingError(error: unknown): boolean {
  // Errors of ocilot have been retried already, and a source is not the network.
  if (error instanceof OcilotError || error instanceof SourceError) return false;
  const code = networkCode(error);
  return code !== undefined && PASSING.has(code);
}

/** Tells whether a request timed out. */
export function isTimeout(error: unknown): boolean {
  const code = networkCode(error);
  return code === "ETIMEDOUT" || code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT";
}

/**
 * Returns the error to report for a request that got no response. Errors of ocilot, and errors of the source of a body, are returned
 * unchanged.
 */
export function networkError(error: unknown, { host, operation }: RequestLabel, attempts: number): Error {
  if (error instanceof OcilotError) return error;
  if (error instanceof SourceError) return error.cause instanceof Error ? error.cause : error;
  const errno = networkCode(error);
  if (errno?.startsWith("HPE_") === true || errno === "UND_ERR_HEADERS_OVERFLOW" || errno === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH") {
    return invalidResponse({ host, operation }, "the response is not valid HTTP", "A TLS port needs https: leave out --plain-http.");
  }
  const times = attempts > 1 ? ` (${attempts} attempts)` : "";
  const hint = hintFor(errno);
  return new OcilotError(
    "NETWORK_ERROR",
    `${host}: ${operation} failed: ${reasonOf(error, errno)}${times}`,
    { host, operation, attempts, ...(errno !== undefined && { errno }) },
    { ...(hint !== undefined && { hint }), cause: error },
  );
}

function reasonOf(error: unknown, errno: string | undefined): string {
  const reasons: Record<string, string> = {
    ECONNREFUSED: "connection refused",
    ECONNRESET: "the connection was reset",
    UND_ERR_SOCKET: "the connection broke off",
    EPIPE: "the connection broke off",
    ENOTFOUND: "host name not found",
    EAI_AGAIN: "host name could not be looked up",
    UND_ERR_CONNECT_TIMEOUT: "no connection within the time limit",
    UND_ERR_HEADERS_TIMEOUT: "no response within the time limit",
    UND_ERR_BODY_TIMEOUT: "no more data within the time limit",
  };
  if (errno !== undefined && reasons[errno] !== undefined) return reasons[errno];
  if (errno !== undefined && NOT_TLS.test(errno)) return `TLS handshake failed (${errno})`;
  // Messages of undici may hold the address with a query; a code holds nothing.
  return errno ?? (error instanceof Error && error.name !== "Error" ? error.name : "no response");
}

function hintFor(errno: string | undefined): string | undefined {
  if (errno === undefined) return undefined;
  if (CERTIFICATE.test(errno)) return "Pass the registry's certificate authority with --ca-file, or use --insecure to skip the check.";
  if (NOT_TLS.test(errno)) return "If the registry does not use TLS, pass --plain-http.";
  if (errno === "ECONNREFUSED" || errno === "ENOTFOUND") return "Check the host name and the port.";
  return undefined;
}

/** Returns the error for a response that violates the specification or that ocilot refuses to act on. */
export function invalidResponse({ host, operation }: RequestLabel, reason: string, hint?: string): OcilotError<"RESPONSE_INVALID"> {
  return new OcilotError(
    "RESPONSE_INVALID",
    `${host}: ${operation}: ${reason}`,
    { host, operation, reason },
    hint === undefined ? {} : { hint },
  );
}

/** Returns the error for a response body over its limit. */
export function bodyTooLarge({ host, operation }: RequestLabel, what: string, limit: number, found: number): OcilotError<"LIMIT_EXCEEDED"> {
  return new OcilotError("LIMIT_EXCEEDED", `${host}: ${operation}: the ${what} is larger than ${limit} bytes`, { what, limit, found });
}

/** Returns the error for an error status, with the code and message of the registry where it sent them. */
export function refusal(
  { host, operation }: RequestLabel,
  status: number,
  body: Uint8Array,
  hint?: string,
): OcilotError<"REGISTRY_REFUSED"> {
  const said = readRefusal(body);
  const words = [said.code, said.message].filter((word) => word !== undefined).join(": ");
  return new OcilotError(
    "REGISTRY_REFUSED",
    `${host}: ${operation} was refused with status ${status}${words === "" ? "" : ` (${words})`}`,
    { host, operation, status, ...(said.code !== undefined && { registryCode: said.code }) },
    hint === undefined ? {} : { hint },
  );
}

/**
 * The first error of an error body; nothing where it is of another form. Text is truncated and stripped of control characters.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export function readRefusal(body: Uint8Array): { readonly code?: string; readonly message?: string } {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return {};
  }
  const errors = isRecord(json) ? json["errors"] : undefined;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (!isRecord(first)) return {};
  const { code, message } = first;
  return {
    ...(typeof code === "string" && code !== "" && { code: printable(code, 60) }),
    ...(typeof message === "string" && message !== "" && { message: printable(message, 300) }),
  };
}

/** Text from outside, fit for a terminal. */
export function printable(text: string, max: number): string {
  const cleaned = text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
  return cleaned.length > max ? `${cleaned.slice(0, max)}…` : cleaned;
}
