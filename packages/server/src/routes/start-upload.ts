import { type Digest, OCTET_STREAM, isAlgorithm, isDigest, splitDigest } from "@ocilot/layout";
import type { Answer } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import { contentLength } from "../protocol/request.js";
import { isRepositoryName } from "../repositories/repository-name.js";
import type { Repository } from "../repositories/repository.js";
import type { UploadSession } from "../uploads/upload-session.js";
import { type Endpoint, type Exchange, repositoryToWrite } from "./endpoint.js";
import { mountBlob } from "./mount-blob.js";
import { blobStored, digestParameter, takeBody, uploadAnswer } from "./upload-answers.js";

/**
 * Begins an upload (end-4a), takes a whole blob at once (end-4b), or mounts one from another repository (end-11).
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
export const startUpload: Endpoint = async (exchange) => {
  const { parts, request } = exchange;
  const repository = await repositoryToWrite(exchange);
  const mounted = await tryMount(exchange, repository);
  if (mounted !== undefined) return mounted;
  const digest = request.query.has("digest") ? digestParameter(exchange) : undefined;
  const algorithm = digest === undefined ? (request.query.get("digest-algorithm") ?? "sha256") : splitDigest(digest).algorithm;
  if (!isAlgorithm(algorithm)) throw new RegistryError("DIGEST_INVALID", `${algorithm.slice(0, 50)} is not supported`);
  const session = await parts.uploads.begin(repository, { algorithm, length: contentLength(request) });
  if (digest === undefined) return uploadAnswer(202, session);
  try {
    return await session.exclusively(async (signal) => {
      await takeBody(exchange, session, signal);
      await session.finish(digest);
      parts.uploads.forget(session);
      return blobStored(repository, digest);
    });
  } catch (error) {
    // The client does not know the session, so nobody could go on with it.
    await discard(exchange, session);
    throw error;
  }
};

async function discard({ parts }: Exchange, session: UploadSession): Promise<void> {
  await parts.uploads.cancel(session).catch(() => undefined);
}

/** Undefined where there is nothing to mount: the upload begins as if it had not been asked for. */
async function tryMount(exchange: Exchange, target: Repository): Promise<Answer | undefined> {
  const { request } = exchange;
  const [digest, from] = [request.query.get("mount"), request.query.get("from")];
  if (digest === null) return undefined;
  if (!isDigest(digest)) throw new RegistryError("DIGEST_INVALID", `${JSON.stringify(digest.slice(0, 100))} is not a digest`);
  const source = await sourceOf(exchange, digest, from ?? undefined);
  if (source === undefined) return undefined;
  const isMounted = await mountBlob(source.repository, target, { mediaType: OCTET_STREAM, digest, size: source.size });
  return isMounted ? blobStored(target, digest) : undefined;
}

/** Where a client does not say from where, the repositories in use are looked through, as far as it may read them. */
async function sourceOf(
  { parts, who }: Exchange,
  digest: Digest,
  from: string | undefined,
): Promise<{ readonly repository: Repository; readonly size: number } | undefined> {
  const named =
    from !== undefined && isRepositoryName(from) && parts.isAllowed(who, "read", from) ? await parts.repositories.find(from) : undefined;
  const candidates = from === undefined ? [...parts.repositories.opened()] : named === undefined ? [] : [named];
  for (const repository of candidates) {
    if (!parts.isAllowed(who, "read", repository.name)) continue;
    const size = await repository.layout.blobs.size(digest);
    if (size !== undefined) return { repository, size };
  }
  return undefined;
}
