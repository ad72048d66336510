import {
  type Algorithm,
  type Digest,
  type Manifest,
  OCTET_STREAM,
  digestOf,
  isAlgorithm,
  manifestKind,
  parseManifest,
  sniffManifest,
  splitDigest,
} from "@ocilot/layout";
import { empty } from "../protocol/answer.js";
import { readBody } from "../protocol/read-body.js";
import { RegistryError } from "../protocol/registry-error.js";
import { isTag } from "../repositories/repository-name.js";
import type { Repository } from "../repositories/repository.js";
import { type Endpoint, type Exchange, referenceOfRoute, repositoryToWrite } from "./endpoint.js";
import { checkPreconditions, etagOf, preconditionsOf } from "./preconditions.js";

/** Tags in one request. */
const MAX_TAGS = 100;

/**
 * Takes a manifest (end-7) and records it: its tags, and whom it refers to. `If-Match` and `If-None-Match` are checked under the lock
 * that it is recorded under, so that a tag moves only from where the client saw it.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 */
export const putManifest: Endpoint = async (exchange) => {
  const { parts, request, route } = exchange;
  const reference = referenceOfRoute(exchange);
  const tags = "tag" in reference ? [reference.tag] : tagsOf(exchange);
  const bytes = await readBody(request, { maxBytes: parts.limits.maxManifestBytes, timeout: parts.limits.manifestTimeout });
  const expected = "digest" in reference ? reference.digest : undefined;
  const digest = digestOf(bytes, algorithmOf(expected));
  if (expected !== undefined && digest !== expected) {
    throw new RegistryError("DIGEST_INVALID", `the manifest has the digest ${digest}`);
  }
  const mediaType = mediaTypeOf(exchange, bytes);
  const manifest = parseManifest(bytes, mediaType, "manifest");
  // Before a repository is made for it.
  await refuseMissing(await parts.repositories.find(route.name), manifest);
  const repository = await repositoryToWrite(exchange);
  const descriptor = { mediaType, digest, size: bytes.length };
  const conditions = preconditionsOf(request);
  await repository.put({
    descriptor,
    bytes,
    tags,
    check(current, snapshot) {
      const listed = (): Digest | undefined => snapshot.entries.find((e) => e.descriptor.digest === digest)?.descriptor.digest;
      if (conditions.ifMatch === undefined && conditions.ifNoneMatch === undefined) return;
      checkPreconditions(conditions, route.reference, "tag" in reference ? current(reference.tag) : listed());
    },
  });
  return empty(201, {
    location: `/v2/${route.name}/manifests/${"tag" in reference ? reference.tag : digest}`,
    "docker-content-digest": digest,
    etag: etagOf(digest),
    ...(manifest.subject !== undefined && { "oci-subject": manifest.subject.digest }),
    ...("digest" in reference && tags.length > 0 && { "oci-tag": tags.join(", ") }),
  });
};

function tagsOf({ request }: Exchange): readonly string[] {
  const tags = [...new Set(request.query.getAll("tag"))];
  if (tags.length > MAX_TAGS) throw new RegistryError("MANIFEST_INVALID", `${tags.length} tags; at most ${MAX_TAGS}`, { status: 414 });
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) throw new RegistryError("MANIFEST_INVALID", `${JSON.stringify(wrong.slice(0, 150))} is not a tag`);
  return tags;
}

function algorithmOf(expected: Digest | undefined): Algorithm {
  const algorithm = expected === undefined ? "sha256" : splitDigest(expected).algorithm;
  if (isAlgorithm(algorithm)) return algorithm;
  throw new RegistryError("DIGEST_INVALID", `${algorithm} is not supported`);
}

/** What the client says it is, parameters aside; where it says nothing, what the manifest itself says. */
function mediaTypeOf({ request }: Exchange, bytes: Uint8Array): string {
  const said = request.headers["content-type"]?.split(";")[0]!.trim();
  const mediaType = said === undefined || said === "" || said === OCTET_STREAM || said === "application/json" ? sniffManifest(bytes) : said;
  if (manifestKind(mediaType) === undefined) {
    throw new RegistryError("MANIFEST_INVALID", `${mediaType.slice(0, 200)} is not a type of manifest that is supported`);
  }
  return mediaType;
}

/**
 * An image whose blobs are missing could never be pulled. Children of an index may be missing: a sparse index is legal. So are layers
 * that are to be had elsewhere.
 */
async function refuseMissing(repository: Repository | undefined, manifest: Manifest): Promise<void> {
  const needed = [
    ...(manifest.config === undefined ? [] : [manifest.config]),
    ...manifest.layers.filter((d) => (d.urls ?? []).length === 0),
  ];
  const missing: Digest[] = [];
  for (const { digest, mediaType } of needed) {
    if (mediaType.includes(".nondistributable.") || mediaType.includes(".foreign.")) continue;
    if ((await repository?.layout.blobs.has(digest)) !== true) missing.push(digest);
  }
  if (missing.length === 0) return;
  throw new RegistryError("MANIFEST_BLOB_UNKNOWN", `${missing.length} blobs are missing, ${missing[0]} first`, {
    detail: missing.slice(0, 20).map((digest) => ({ digest })),
  });
}
