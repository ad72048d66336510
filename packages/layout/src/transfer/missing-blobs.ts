import { throwIfAborted } from "../abort.js";
import type { Layout } from "../layout.js";
import type { Descriptor } from "../spec/descriptor.js";

/** Returns the descriptors for which a layout has no blob of that size, in their order. @throws OcilotError `ABORTED` */
export async function missingFrom(layout: Layout, ds: readonly Descriptor[], signal?: AbortSignal): Promise<Descriptor[]> {
  const { blobs } = layout;
  if (blobs.missing !== undefined) return await blobs.missing(ds, signal && { signal });
  const missing: Descriptor[] = [];
  for (const d of ds) {
    throwIfAborted(signal);
    if ((await blobs.size(d.digest)) !== d.size) missing.push(d);
  }
  return missing;
}
