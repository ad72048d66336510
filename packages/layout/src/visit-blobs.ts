import { throwIfAborted } from "./abort.js";
import type { Descriptor } from "./spec/descriptor.js";
import type { BlobReader, ReadBytesOptions, VisitBlob } from "./storage.js";

/** Blobs whose bytes are held at once where a store has no way to read them into the same memory. */
const SLICE = 256;

/**
 * Reads many small blobs in the order asked and hands each to `visit`, so that the bytes of many are never held at once.
 * @throws OcilotError `ABORTED`; what `visit` throws
 * @example
 * ```ts
 * import { Layout, visitBlobs } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const { entries } = await layout.index.read();
 * const descriptors = entries.map((entry) => entry.descriptor);
 * await visitBlobs(layout.blobs, descriptors, (content, { digest }) => {
 *   console.log(digest, content instanceof Uint8Array ? content.length : content.message);
 * });
 * ```
 */
export async function visitBlobs(
  blobs: Pick<BlobReader, "bytesMany" | "visitMany">,
  ds: readonly Descriptor[],
  visit: VisitBlob,
  options: ReadBytesOptions = {},
): Promise<void> {
  if (blobs.visitMany !== undefined) return await blobs.visitMany(ds, visit, options);
  for (let start = 0; start < ds.length; start += SLICE) {
    throwIfAborted(options.signal);
    const slice = ds.slice(start, start + SLICE);
    for (const [i, content] of (await blobs.bytesMany(slice, options)).entries()) visit(content, slice[i]!, start + i);
  }
}
