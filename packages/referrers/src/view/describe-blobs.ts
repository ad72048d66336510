import { type Descriptor, type Digest, type Layout, MAX_MANIFEST_BYTES, OCTET_STREAM, sniffManifest } from "@ocilot/layout/web";

/** Blobs read at once: as many as their bytes may be held for. */
export const SLICE = 64;

/** Returns descriptors of the digests that are present, with the media type that their content shows. */
export async function describeBlobs(layout: Layout, digests: Iterable<Digest>): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  for (const digest of digests) {
    const size = await layout.blobs.size(digest);
    if (size === undefined) continue;
    found.push({ mediaType: OCTET_STREAM, digest, size });
  }
  const small = found.filter((d) => d.size > 0 && d.size <= MAX_MANIFEST_BYTES);
  const types = new Map<Digest, string>();
  for (let start = 0; start < small.length; start += SLICE) {
    const slice = small.slice(start, start + SLICE);
    const read = await layout.blobs.bytesMany(slice, { maxBytes: MAX_MANIFEST_BYTES });
    for (const [i, bytes] of read.entries()) if (bytes instanceof Uint8Array) types.set(slice[i]!.digest, sniffManifest(bytes));
  }
  return found.map((d) => ({ ...d, mediaType: types.get(d.digest) ?? d.mediaType }));
}
