import {
  type Digest,
  type Layout,
  MAX_MANIFEST_BYTES,
  OCTET_STREAM,
  isRecord,
  parseJson,
  parseManifest,
  sniffManifest,
} from "@ocilot/layout/web";

/**
 * Returns the media type that a whole manifest states of itself and whose form it has; undefined where its type could only be guessed.
 * @param size the size of the blob in bytes
 */
export async function ownMediaType(layout: Layout, digest: Digest, size: number): Promise<string | undefined> {
  if (size === 0 || size > MAX_MANIFEST_BYTES) return undefined;
  const [bytes] = await layout.blobs.bytesMany([{ mediaType: OCTET_STREAM, digest, size }]);
  if (!(bytes instanceof Uint8Array)) return undefined;
  const mediaType = sniffManifest(bytes);
  if (mediaType === OCTET_STREAM) return undefined;
  try {
    parseManifest(bytes, mediaType, digest);
  } catch {
    return undefined;
  }
  const json = parseJson(bytes, digest);
  return isRecord(json) && json["mediaType"] === mediaType ? mediaType : undefined;
}
