import { type Digest, isAlgorithm, isDigest, splitDigest } from "@ocilot/layout";
import { type Answer, empty } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import { contentLength } from "../protocol/request.js";
import type { Repository } from "../repositories/repository.js";
import { checkContentRange, uploadRange } from "../uploads/content-range.js";
import type { UploadSession } from "../uploads/upload-session.js";
import type { Exchange } from "./endpoint.js";

/** Where an upload goes on. */
export function uploadLocation({ id, repository }: UploadSession): string {
  return `/v2/${repository.name}/blobs/uploads/${id}`;
}

/** Says how far an upload has come. */
export function uploadAnswer(status: 202 | 204, session: UploadSession): Answer {
  return empty(status, { location: uploadLocation(session), range: uploadRange(session.received), "docker-upload-uuid": session.id });
}

/** Says that a blob is there. */
export function blobStored({ name }: Repository, digest: Digest): Answer {
  return empty(201, { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest });
}

/** The `digest` that a request names. @throws RegistryError `DIGEST_INVALID` */
export function digestParameter({ request }: Exchange): Digest {
  const value = request.query.get("digest");
  if (isDigest(value) && isAlgorithm(splitDigest(value).algorithm)) return value;
  const why = value === null ? "the request names no digest" : `${JSON.stringify(value.slice(0, 100))} is not a digest that is supported`;
  throw new RegistryError("DIGEST_INVALID", why);
}

/**
 * Appends the body of a request to an upload.
 * @throws RegistryError what {@link checkContentRange} and the upload throw; `SIZE_INVALID`, status 400, if less came than was announced
 */
export async function takeBody({ parts, request }: Exchange, session: UploadSession, signal: AbortSignal): Promise<void> {
  const length = contentLength(request);
  checkContentRange(request.headers["content-range"], session.received, { length, location: uploadLocation(session) });
  const before = session.received;
  try {
    await session.append(request.body, signal);
  } finally {
    parts.metrics.received(session.received - before);
  }
  if (length === undefined || session.received - before === length) return;
  throw new RegistryError("SIZE_INVALID", `${session.received - before} of ${length} bytes arrived`, { status: 400 });
}
