import type { Layout } from "./layout.js";
import type { Descriptor } from "./spec/descriptor.js";

/**
 * Copies one blob between layouts, size and digest checked on the way. What the target has under that digest, in that
 * size, is not written again.
 * @returns whether it was written
 * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`, and what writing throws
 */
export async function transferBlob(source: Layout, target: Layout, d: Descriptor, options: { link?: boolean; signal?: AbortSignal } = {}): Promise<boolean> {
  if ((await target.blobs.size(d.digest)) === d.size) return false;
  await target.blobs.put(await source.blobs.open(d), { expect: d, ...(options.signal && { signal: options.signal }) });
  return true;
}
