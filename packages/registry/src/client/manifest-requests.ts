import { sniffManifest, digestOf } from "@ocilot/layout";
import {
  ARTIFACT_MANIFEST,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  type Digest,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  MAX_MANIFEST_BYTES,
  ORAS_ARTIFACT_MANIFEST,
  OcilotError,
  isAlgorithm,
  isRecord,
  splitDigest,
} from "@ocilot/layout/spec";
import { setTimeout as sleep } from "node:timers/promises";
import { invalidResponse } from "../transport/errors.js";
import { aborted, header } from "../transport/exchange.js";
import type { BufferedResponse } from "../transport/transport.js";
import type { Caller } from "./caller.js";
import { blobNotFound, checkTagOrDigest, corrupt, digestLike } from "./checks.js";
import { contentLength, contentType, digestHeader } from "./headers.js";
import type { FetchedManifest, ManifestHead, OperationOptions, PutManifestOptions, PutManifestResult } from "./types.js";

const ACCEPT: string = [
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_MANIFEST,
  ARTIFACT_MANIFEST,
  ORAS_ARTIFACT_MANIFEST,
  "*/*;q=0.1",
].join(", ");
/**
 * What a registry may answer about content that another client is storing at that moment: docker-registry rewrites its link files in place,
 * and reads an empty one as an unknown blob or an invalid digest. The digest that was sent has been computed from the bytes that were sent.
 */
const PASSING_CODES: ReadonlySet<string> = new Set(["MANIFEST_BLOB_UNKNOWN", "DIGEST_INVALID"]);
const PASSING_CODE_RETRIES = 4;

/** @see RepositoryClient.headManifest */
export async function headManifest(caller: Caller, reference: string, { signal }: OperationOptions): Promise<ManifestHead | undefined> {
  checkTagOrDigest(reference);
  const answer = await caller.read({
    operation: `look for manifest ${reference}`,
    method: "HEAD",
    target: `/manifests/${reference}`,
    actions: ["pull"],
    headers: { accept: ACCEPT },
    accept: [200, 404],
    what: "answer",
    limit: 0,
    isMirrored: true,
    signal,
  });
  if (answer.status === 404) return undefined;
  const [size, digest, etag] = [contentLength(answer), digestHeader(answer, "docker-content-digest"), header(answer, "etag")];
  return {
    mediaType: contentType(answer),
    ...(size !== undefined && { size }),
    ...(digest !== undefined && { digest }),
    ...(etag !== undefined && { etag }),
  };
}

/** @see RepositoryClient.getManifest */
export async function getManifest(caller: Caller, reference: string, { signal }: OperationOptions): Promise<FetchedManifest> {
  const { digest: asked } = checkTagOrDigest(reference);
  const operation = `get manifest ${reference}`;
  for (let attempt = 1; ; attempt++) {
    const answer = await caller.read({
      operation,
      method: "GET",
      target: `/manifests/${reference}`,
      actions: ["pull"],
      headers: { accept: ACCEPT },
      accept: [200, 404],
      what: "manifest",
      limit: MAX_MANIFEST_BYTES,
      isMirrored: true,
      signal,
    });
    if (answer.status === 404) throw notFound(caller, reference, asked);
    const claimed = digestHeader(answer, "docker-content-digest");
    const expected = asked ?? (claimed !== undefined && isAlgorithm(splitDigest(claimed).algorithm) ? claimed : undefined);
    const digest = expected === undefined ? digestOf(answer.bytes) : digestLike(expected, answer.bytes);
    if (expected !== undefined && digest !== expected) {
      // It may have been damaged in transit: retry once.
      if (attempt === 1) continue;
      throw corrupt(expected, digest, caller.host);
    }
    const etag = header(answer, "etag");
    return {
      descriptor: { mediaType: mediaTypeOf(answer, { caller, operation }), digest, size: answer.bytes.length },
      bytes: answer.bytes,
      ...(etag !== undefined && { etag }),
    };
  }
}

/** @see RepositoryClient.putManifest */
export async function putManifest(
  caller: Caller,
  reference: string,
  bytes: Uint8Array,
  options: PutManifestOptions,
): Promise<PutManifestResult> {
  const { mediaType, ifMatch, ifNoneMatch, signal } = options;
  const { digest: asked } = checkTagOrDigest(reference);
  const digest = asked === undefined ? digestOf(bytes) : digestLike(asked, bytes);
  if (asked !== undefined && digest !== asked) throw corrupt(asked, digest, "the caller");
  const send = (): Promise<BufferedResponse> =>
    caller.read({
      operation: `put manifest ${reference}`,
      method: "PUT",
      target: `/manifests/${reference}`,
      actions: ["pull", "push"],
      headers: {
        "content-type": mediaType,
        ...(ifMatch !== undefined && { "if-match": ifMatch }),
        ...(ifNoneMatch !== undefined && { "if-none-match": ifNoneMatch }),
      },
      body: bytes,
      accept: [200, 201, 202, 204],
      what: "answer",
      limit: 1024 * 1024,
      signal,
    });
  const answer = await withRetries(send, signal);
  const stored = digestHeader(answer, "docker-content-digest");
  if (stored !== undefined && splitDigest(stored).algorithm === splitDigest(digest).algorithm && stored !== digest) {
    throw corrupt(digest, stored, caller.host);
  }
  const [subject, etag] = [digestHeader(answer, "oci-subject"), header(answer, "etag")];
  return { digest, ...(subject !== undefined && { subject }), ...(etag !== undefined && { etag }) };
}

/** @see RepositoryClient.deleteManifest */
export async function deleteManifest(caller: Caller, reference: string, { signal }: OperationOptions): Promise<boolean> {
  checkTagOrDigest(reference);
  const answer = await caller.read({
    operation: `delete manifest ${reference}`,
    method: "DELETE",
    target: `/manifests/${reference}`,
    actions: ["delete", "pull"],
    accept: [200, 202, 204, 404],
    what: "answer",
    limit: 1024 * 1024,
    hint: "Many registries do not allow tags, or anything, to be deleted.",
    signal,
  });
  return answer.status !== 404;
}

async function withRetries(send: () => Promise<BufferedResponse>, signal: AbortSignal | undefined): Promise<BufferedResponse> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      const code = error instanceof OcilotError ? (error as OcilotError<"REGISTRY_REFUSED">).details.registryCode : undefined;
      if (code === undefined || !PASSING_CODES.has(code) || attempt === PASSING_CODE_RETRIES) throw error;
      const delay = 100 * 2 ** attempt * (0.5 + Math.random());
      await sleep(delay, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw aborted(signal);
      });
    }
  }
}

function mediaTypeOf(answer: BufferedResponse, { caller, operation }: { caller: Caller; operation: string }): string {
  const type = contentType(answer);
  const own = ownMediaType(answer.bytes);
  if (type === "" && own !== undefined) return own;
  const sniffed = type === "" ? sniffManifest(answer.bytes) : undefined;
  if (sniffed !== undefined && sniffed !== "application/octet-stream") return sniffed;
  const label = caller.label(operation);
  if (type === "" || type === "text/html")
    throw invalidResponse(label, `the response is ${type === "" ? "of unknown type" : type}, not a manifest`);
  if (own !== undefined && own.toLowerCase() !== type)
    throw invalidResponse(label, `Content-Type is ${type}, the manifest says ${JSON.stringify(own.slice(0, 100))}`);
  return own ?? type;
}

function ownMediaType(bytes: Uint8Array): string | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const own = isRecord(json) ? json["mediaType"] : undefined;
    return typeof own === "string" && own !== "" ? own : undefined;
  } catch {
    return undefined;
  }
}

function notFound(caller: Caller, reference: string, digest: Digest | undefined): OcilotError {
  const where = `${caller.host}/${caller.repository}`;
  if (digest !== undefined) return blobNotFound(digest, where);
  const name = `${where}:${reference}`;
  return new OcilotError(
    "REF_NOT_FOUND",
    `${name} does not exist`,
    { reference: name },
    { hint: `List the tags with \`ocilot ls docker://${where}\`.` },
  );
}
