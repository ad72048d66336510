import { MAX_MANIFEST_BYTES } from "@ocilot/layout";
import { empty } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import { type Endpoint, referenceOfRoute, repositoryOf } from "./endpoint.js";
import { etagOf, isUnchanged } from "./preconditions.js";

/**
 * Sends a manifest (end-3), GET or HEAD. It is checked against its digest each time.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export const getManifest: Endpoint = async (exchange) => {
  const repository = await repositoryOf(exchange);
  const reference = referenceOfRoute(exchange);
  const found = await repository.find(reference);
  if (found === undefined) throw new RegistryError("MANIFEST_UNKNOWN", `${exchange.route.name}: no manifest ${exchange.route.reference}`);
  const isByDigest = "digest" in reference;
  const headers = {
    "content-type": found.mediaType,
    "docker-content-digest": found.digest,
    etag: etagOf(found.digest),
    // A tag moves; what has a digest never changes.
    "cache-control": isByDigest ? "max-age=31536000, immutable" : "no-cache",
  };
  if (isUnchanged(exchange.request, found.digest)) return empty(304, { etag: headers.etag, "docker-content-digest": found.digest });
  try {
    const body = await repository.layout.blobs.bytes(found, { maxBytes: MAX_MANIFEST_BYTES });
    return { status: 200, headers, body };
  } catch (error) {
    throw asManifestError(error);
  }
};

function asManifestError(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "BLOB_NOT_FOUND" || code === "BLOB_CORRUPT" || code === "SIZE_MISMATCH") {
    const why = code === "BLOB_NOT_FOUND" ? "is missing from the layout" : "is corrupt in the layout; push it again to repair it";
    return new RegistryError("MANIFEST_UNKNOWN", `the manifest ${why}`, { cause: error });
  }
  return error;
}
