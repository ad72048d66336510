import { type Descriptor, type Layout, isOcilotError, manifestKind } from "@ocilot/layout/web";

/**
 * Writes those manifests again whose file in the target has other content. What a target holds is known by its digest and size; manifests
 * are few and small enough to be read, and what reads a corrupt one finds neither its platforms nor its referrers.
 * @returns what was written
 * @throws OcilotError what reading the source and writing throw
 */
export async function replaceCorruptManifests(
  source: Layout,
  target: Layout,
  content: readonly Descriptor[],
  signal: AbortSignal | undefined,
): Promise<Descriptor[]> {
  const manifests = content.filter((d) => manifestKind(d.mediaType) !== undefined);
  const options = signal === undefined ? {} : { signal };
  const found = await target.blobs.bytesMany(manifests, options);
  const corrupt = manifests.filter((_, i) => isOcilotError(found[i], "BLOB_CORRUPT"));
  for (const d of corrupt) await target.blobs.put(await source.blobs.bytes(d, options), { expect: d, ...options });
  return corrupt;
}
