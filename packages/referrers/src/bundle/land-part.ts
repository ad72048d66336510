import { type Layout, isOcilotError, transferBlobs } from "@ocilot/layout";
import { surelyMissing } from "../verify/find-content.js";
import type { BlobSize } from "./bundle-document.js";
import { type OpenBundle, damagedPart, plainDescriptors } from "./open-bundle.js";
import type { Place } from "./place.js";
import type { ReceiveOptions, ReceivedSet } from "./received-set.js";

export interface LandOptions extends ReceiveOptions {
  /** Called with the number of bytes that were written or found. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Stores the blobs of a part in every place that needs them, each checked on its way. Nothing lists them yet.
 * @throws OcilotError `ARCHIVE_INVALID` that names the part if it is damaged, and what writing throws
 */
export async function landPart(bundle: OpenBundle, set: ReceivedSet, places: readonly Place[], options: LandOptions): Promise<number> {
  const own = new Set(bundle.part.blobs.map((b) => b.digest));
  let written = 0;
  const stored: Layout[] = [];
  for (const { layout, blobs } of places) {
    let ds = plainDescriptors(blobs.filter((b) => own.has(b.digest)));
    // A registry that has lost a blob of an image it lists gets it again.
    if (layout.blobs.missing !== undefined) ds = await surelyMissing(layout, ds, options.signal);
    for (const other of stored) ds = (await layout.blobs.mount?.(other.blobs, ds, signalOf(options))) ?? ds;
    await transferBlobs(bundle.layout, layout, ds, {
      ...signalOf(options),
      onProgress: ({ bytes, descriptor, isNew }) => {
        options.onBytes?.(bytes);
        if (isNew === true) written += descriptor.size;
      },
    });
    // A part counts as received once this returns, and may be deleted: a power cut must not take its blobs back.
    await layout.blobs.sync?.();
    stored.push(layout);
  }
  if (bundle.part.piece !== undefined && !(await isStored(bundle.part.piece, places))) {
    await set.keepPiece(bundle, options);
    written += bundle.part.piece.length;
    options.onBytes?.(bundle.part.piece.length);
  }
  return written;
}

/**
 * Stores the blobs of which every piece has arrived.
 * @throws OcilotError `ARCHIVE_INVALID` if together they do not have the digest: the blob was damaged before it was bundled
 */
export async function joinPieces(set: ReceivedSet, places: readonly Place[], options: ReceiveOptions): Promise<void> {
  for (const blob of await set.wholePieces()) {
    try {
      for (const { layout, blobs } of places) {
        if (!blobs.some((b) => b.digest === blob.digest)) continue;
        await set.putWhole(blob, layout, options);
        // The pieces are dropped next: from here on the blob is all there is.
        await layout.blobs.sync?.();
      }
    } catch (error) {
      if (!isOcilotError(error, "BLOB_CORRUPT", "SIZE_MISMATCH")) throw error;
      await set.dropPieces(blob.digest);
      const { parts } = set.document;
      const names = parts.filter((p) => p.piece?.digest === blob.digest).map((p) => p.name);
      throw damagedPart(names.join(", "), set.document, `${blob.digest} does not have its digest when its pieces are joined`);
    }
    await set.dropPieces(blob.digest);
  }
}

async function isStored(blob: BlobSize, places: readonly Place[]): Promise<boolean> {
  for (const { layout, blobs } of places)
    if (blobs.some((b) => b.digest === blob.digest) && (await surelyMissing(layout, plainDescriptors([blob]))).length > 0) return false;
  return true;
}

function signalOf({ signal }: ReceiveOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
