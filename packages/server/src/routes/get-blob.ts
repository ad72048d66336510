import { OCTET_STREAM } from "@ocilot/layout";
import { empty } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import { blobContent } from "../repositories/blob-content.js";
import { parseRange } from "../protocol/byte-range.js";
import { digestOfRoute, type Endpoint, repositoryOf } from "./endpoint.js";
import { etagOf, isUnchanged } from "./preconditions.js";

/**
 * Sends a blob or one range of it (end-2), GET or HEAD.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
export const getBlob: Endpoint = async (exchange) => {
  const digest = digestOfRoute(exchange);
  const { layout, verdicts } = await repositoryOf(exchange);
  const size = await layout.blobs.size(digest);
  if (size === undefined) throw new RegistryError("BLOB_UNKNOWN", `${exchange.route.name}: no blob ${digest}`);
  const { headers: asked, method } = exchange.request;
  const etag = etagOf(digest);
  const headers = {
    "content-type": OCTET_STREAM,
    "docker-content-digest": digest,
    etag,
    "accept-ranges": "bytes",
    "cache-control": "max-age=31536000, immutable",
  };
  if (isUnchanged(exchange.request, digest)) return empty(304, { etag, "docker-content-digest": digest });
  const d = { mediaType: OCTET_STREAM, digest, size };
  if (method === "HEAD") {
    // Only what is known to be damaged is refused: a client that asks before it pushes then repairs it.
    const extent = await layout.blobs.extent?.(d);
    if (extent !== undefined) await verdicts.refuseCorrupt(d, extent).finally(() => extent.close());
    return { status: 200, headers, body: { size, open: nothing } };
  }
  const isCurrent = asked["if-range"] === undefined || asked["if-range"] === etag;
  const range = isCurrent ? parseRange(asked["range"], size) : undefined;
  if (range === "unsatisfiable") {
    throw new RegistryError("SIZE_INVALID", `the blob has ${size} bytes`, { status: 416, headers: { "content-range": `bytes */${size}` } });
  }
  const body = await blobContent(layout, d, { verdicts, range });
  if (range === undefined) return { status: 200, headers, body };
  return { status: 206, headers: { ...headers, "content-range": `bytes ${range.first}-${range.last}/${size}` }, body };
};

async function* nothing(): AsyncIterable<Uint8Array> {}
