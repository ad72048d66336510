import { throwIfAborted } from "../abort.js";
import type { Layout } from "../layout.js";
import type { Descriptor } from "../spec/descriptor.js";

/** Of so many blobs the size of each is asked for, whether it is there or not. */
const FEW = 256;

/**
 * Returns the descriptors for which a layout has no blob of that size, in their order.
 * @throws OcilotError `ABORTED`
 * @example
 * ```ts
 * import { Layout, missingFrom } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const { entries } = await layout.index.read();
 * const missing = await missingFrom(
 *   layout,
 *   entries.map((entry) => entry.descriptor),
 * );
 * console.log(missing.length, "manifests are missing");
 * ```
 */
export async function missingFrom(layout: Layout, ds: readonly Descriptor[], signal?: AbortSignal): Promise<Descriptor[]> {
  const { blobs } = layout;
  if (blobs.missing !== undefined) return await blobs.missing(ds, signal && { signal });
  const present = ds.length > FEW ? await blobs.hasMany?.(ds.map((d) => d.digest)) : undefined;
  const missing: Descriptor[] = [];
  for (const [i, d] of ds.entries()) {
    throwIfAborted(signal);
    if (present?.[i] === false || (await blobs.size(d.digest)) !== d.size) missing.push(d);
  }
  return missing;
}
