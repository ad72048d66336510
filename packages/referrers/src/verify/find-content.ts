import { type Descriptor, type Digest, type Layout, missingFrom } from "@ocilot/layout";
import type { Content } from "./blob-content.js";

/** Returns which blobs are there, by name and size; what is there counts as whole. */
export async function findContent(layout: Layout, descriptors: readonly Descriptor[], signal?: AbortSignal): Promise<Map<Digest, Content>> {
  const unique = [...new Map(descriptors.map((d) => [d.digest, d])).values()];
  const missing = new Set((await surelyMissing(layout, unique, signal)).map((d) => d.digest));
  return new Map(unique.map(({ digest, size }) => [digest, missing.has(digest) ? { state: "missing" } : { state: "whole", size }]));
}

/** Returns the blobs that are not there. A store of which others have to ask is asked for each. */
export async function surelyMissing(layout: Layout, descriptors: readonly Descriptor[], signal?: AbortSignal): Promise<Descriptor[]> {
  return layout.blobs.missing === undefined
    ? await missingFrom(layout, descriptors, signal)
    : await layout.blobs.missing(descriptors, { sure: true, ...(signal && { signal }) });
}
