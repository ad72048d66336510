import type { Digest } from "@ocilot/layout/spec";
import { OcilotError, splitDigest } from "@ocilot/layout/spec";
import { invalidResponse } from "../transport/errors.js";
import { type HttpResponse, header } from "../transport/exchange.js";
import { redirectTarget } from "../transport/redirect.js";
import type { Call, Caller, Place } from "./caller.js";
import { receivedBytes } from "./headers.js";
import type { OperationOptions } from "./types.js";

/** An upload that a registry waits for. */
export interface UploadSession {
  /** Where the next request of it goes. */
  readonly url: URL;
  /** Bytes that the registry holds. */
  readonly received: number;
  /** `OCI-Chunk-Min-Length`: the registry asks for chunks of at least so many bytes. */
  readonly minChunk?: number;
}

const LARGEST_MIN_CHUNK: number = 1024 * 1024 * 1024;

/** The request that begins an upload, or mounts. */
export function startCall(digest: Digest, { from, signal }: { from: string | undefined; signal: AbortSignal | undefined }): Call {
  const { algorithm } = splitDigest(digest);
  const query =
    from === undefined
      ? algorithm === "sha256"
        ? ""
        : `?digest-algorithm=${algorithm}`
      : `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  return {
    operation: from === undefined ? `start the upload of ${digest}` : `mount ${digest} from ${from}`,
    method: "POST",
    target: `/blobs/uploads/${query}`,
    actions: ["pull", "push"],
    headers: { "content-length": "0" },
    ...(from !== undefined && { from }),
    signal,
  };
}

/**
 * Where an upload goes on by the `Location` of an answer: at the same address where there is none. It may be another host, which
 * then gets no credentials.
 * @throws OcilotError `RESPONSE_INVALID` for an address that is not followed
 */
export function sessionUrl(
  caller: Caller,
  place: Place,
  { answer, before, operation }: { answer: HttpResponse; before?: URL; operation: string },
): URL {
  const location = header(answer, "location");
  const label = caller.label(operation);
  if (location === undefined) {
    if (before !== undefined) return before;
    throw invalidResponse(label, "the response has no Location header for the upload");
  }
  return redirectTarget(location, answer.url, { home: place.endpoint.url, label });
}

/** A session as the answer to the request that began it describes it. */
export function newSession(
  caller: Caller,
  place: Place,
  { answer, operation }: { answer: HttpResponse; operation: string },
): UploadSession {
  const min = Number(header(answer, "oci-chunk-min-length") ?? Number.NaN);
  const url = sessionUrl(caller, place, { answer, operation });
  return { url, received: 0, ...(min > 0 && min <= LARGEST_MIN_CHUNK && { minChunk: Math.ceil(min) }) };
}

/** The address of the request that ends an upload. What the registry put into the address stays as it is. */
export function closingUrl(url: URL, digest: Digest): URL {
  const closing = new URL(url);
  closing.search = `${url.search === "" ? "?" : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return closing;
}

/**
 * What the registry holds of an upload; undefined where the session is gone or the registry cannot say.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export async function readStatus(
  caller: Caller,
  place: Place,
  { url, signal }: { url: URL; signal: AbortSignal | undefined },
): Promise<UploadSession | undefined> {
  const operation = "ask for the state of an upload";
  const call: Call = { operation, method: "GET", target: url, actions: ["pull", "push"], signal };
  const backoff = caller.transport.backoff();
  for (;;) {
    const answer = await caller.attempt(place, call).catch((error: Error) => error);
    if (!(answer instanceof Error)) answer.body.discard();
    if (await backoff.next(answer, signal)) continue;
    if (answer instanceof Error) return passingNetworkError(answer);
    if (answer.status !== 204 && answer.status !== 202 && answer.status !== 200) return undefined;
    return { url: sessionUrl(caller, place, { answer, before: url, operation }), received: receivedBytes(answer) };
  }
}

/** Ends an upload; a registry that cannot, or cannot be reached, is no error. */
export async function cancelSession(
  caller: Caller,
  place: Place,
  { url, signal }: { url: URL; signal: AbortSignal | undefined },
): Promise<void> {
  const call: Call = {
    operation: "cancel an upload",
    method: "DELETE",
    target: url,
    actions: ["pull", "push"],
    headers: { "content-length": "0" },
    signal,
  };
  const answer = await caller.attempt(place, call).catch(passingNetworkError);
  answer?.body.discard();
}

/** @see RepositoryClient.uploadStatus */
export async function uploadStatus(
  caller: Caller,
  session: string,
  { signal }: OperationOptions,
): Promise<{ received: number; session: string } | undefined> {
  const place = await caller.origin();
  const url = savedUrl(session, place);
  const status = url === undefined ? undefined : await readStatus(caller, place, { url, signal });
  return status === undefined ? undefined : { received: status.received, session: status.url.href };
}

/** @see RepositoryClient.cancelUpload */
export async function cancelUpload(caller: Caller, session: string, { signal }: OperationOptions): Promise<void> {
  const place = await caller.origin();
  const url = savedUrl(session, place);
  if (url !== undefined) await cancelSession(caller, place, { url, signal });
}

/** The address of a session that somebody kept; only one at the registry itself is used again. */
export function savedUrl(session: string, { endpoint }: Place): URL | undefined {
  const url = URL.canParse(session) ? new URL(session) : undefined;
  return url?.origin === endpoint.url.origin ? url : undefined;
}

function passingNetworkError(error: unknown): undefined {
  if (error instanceof OcilotError && error.code !== "RESPONSE_INVALID") throw error;
  return undefined;
}
