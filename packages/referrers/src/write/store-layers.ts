import { type Descriptor, type Layout, OcilotError, TITLE } from "@ocilot/layout/web";
import { checkMediaType } from "./media-type.js";
import type { ArtifactLayer } from "./new-referrer.js";

/** A layer in the layout, and where its content came from. */
export interface StoredLayer {
  /** As the manifest names it. */
  readonly descriptor: Descriptor;
  readonly source: ArtifactLayer["source"];
}

interface StoreOptions {
  readonly signal?: AbortSignal;
  /** Called after each layer is stored. */
  readonly onProgress?: (event: { readonly stored: Descriptor; readonly done: number; readonly total: number }) => void;
}

/** Stores the layers of an artifact. It takes no lock: the blobs are not referenced yet. @throws OcilotError `USAGE`, and what `put` throws */
export async function storeLayers(layout: Layout, layers: readonly ArtifactLayer[], options: StoreOptions): Promise<StoredLayer[]> {
  for (const { mediaType } of layers) checkMediaType(mediaType);
  const stored: StoredLayer[] = [];
  for (const { source, mediaType, title } of layers) {
    const content = typeof source === "function" ? source() : source;
    const d = await layout.blobs.put(content, { mediaType, ...(options.signal && { signal: options.signal }) });
    stored.push({ source, descriptor: title === undefined ? d : { ...d, annotations: { [TITLE]: title } } });
    options.onProgress?.({ stored: d, done: stored.length, total: layers.length });
  }
  return stored;
}

/**
 * Stores layers again that a garbage collection without a grace period removed before they were referenced. To be called
 * with the lock held: no collection runs until they are referenced.
 * @throws OcilotError `BLOB_NOT_FOUND` for content that can be read only once, and what `put` throws
 */
export async function restoreLayers(layout: Layout, layers: readonly StoredLayer[], { signal }: StoreOptions): Promise<void> {
  for (const { descriptor, source } of layers) {
    const { mediaType, digest, size } = descriptor;
    if (await layout.blobs.has(digest)) continue;
    if (typeof source !== "function" && !(source instanceof Uint8Array)) {
      throw new OcilotError(
        "BLOB_NOT_FOUND",
        `${digest} was removed by a garbage collection before it was attached, and its source cannot be read again`,
        { digest },
        { hint: "Run the command again, or attach a file instead of a stream." },
      );
    }
    const content = typeof source === "function" ? source() : source;
    await layout.blobs.put(content, { expect: { mediaType, digest, size }, ...(signal && { signal }) });
  }
}
