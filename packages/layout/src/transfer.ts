import { throwIfAborted } from "./io-error.js";
import type { Layout } from "./layout.js";
import type { Descriptor } from "./spec/descriptor.js";
import { manifestKind } from "./spec/media-types.js";

/** Up to here blobs are read and written many at once. */
const SMALL_BYTES = 64 * 1024;
const BATCH_BYTES = 16 * 1024 * 1024;
const BATCH_BLOBS = 4096;
/** Large blobs tell of themselves this often. */
const TELL_BYTES = 8 * 1024 * 1024;

/** How blobs are carried over. */
export interface TransferOptions {
  /** Give the source's files another name in the target, where both are directories of one file system. */
  readonly link?: boolean;
  readonly signal?: AbortSignal;
  /** Told of bytes that have been dealt with, and with `isNew` each time that all of a blob has been. */
  readonly onProgress?: (event: { readonly bytes: number; readonly descriptor: Descriptor; readonly isNew?: boolean }) => void;
}

/**
 * Copies blobs between layouts in the order given, size and digest checked on the way; with `link` only those of manifests.
 * What the target has under that digest, in that size, is not written again. Where the file system can, blocks are shared.
 * Memory does not grow with the size or the number of blobs.
 * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, and what writing throws
 */
export async function transferBlobs(
  source: Layout,
  target: Layout,
  descriptors: readonly Descriptor[],
  options: TransferOptions = {},
): Promise<void> {
  let batch: Descriptor[] = [];
  let bytes = 0;
  for (const d of descriptors) {
    throwIfAborted(options.signal);
    if ((await target.blobs.size(d.digest)) === d.size) {
      options.onProgress?.({ bytes: d.size, descriptor: d, isNew: false });
      continue;
    }
    const isLinked = options.link === true && manifestKind(d.mediaType) === undefined;
    if (d.size <= SMALL_BYTES && !isLinked) {
      batch.push(d);
      bytes += d.size;
    }
    if (d.size > SMALL_BYTES || isLinked || batch.length === BATCH_BLOBS || bytes > BATCH_BYTES) {
      await transferSmall(source, target, batch, options);
      batch = [];
      bytes = 0;
    }
    if (d.size > SMALL_BYTES || isLinked) await transferLarge(source, target, d, isLinked, options);
  }
  await transferSmall(source, target, batch, options);
}

async function transferSmall(source: Layout, target: Layout, ds: readonly Descriptor[], options: TransferOptions): Promise<void> {
  if (ds.length === 0) return;
  const { signal, onProgress } = options;
  const found = await source.blobs.bytesMany(ds, signal && { signal });
  const blobs = ds.map((descriptor, i) => {
    const bytes = found[i]!;
    if (!(bytes instanceof Uint8Array)) throw bytes;
    return { descriptor, bytes };
  });
  if (target.blobs.putMany !== undefined) await target.blobs.putMany(blobs, signal && { signal });
  else for (const { descriptor, bytes } of blobs) await target.blobs.put(bytes, { expect: descriptor, ...(signal && { signal }) });
  for (const d of ds) onProgress?.({ bytes: d.size, descriptor: d, isNew: true });
}

async function transferLarge(source: Layout, target: Layout, d: Descriptor, link: boolean, options: TransferOptions): Promise<void> {
  const { signal, onProgress } = options;
  const file = await source.blobs.file?.(d);
  if (file !== undefined && (await target.blobs.putFile?.(file, d, { link, ...(signal && { signal }) })) === true) {
    onProgress?.({ bytes: d.size, descriptor: d, isNew: true });
    return;
  }
  let told = 0;
  let seen = 0;
  const stream = await source.blobs.open(d);
  const counted = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      yield chunk;
      seen += chunk.length;
      if (seen - told < TELL_BYTES || seen === d.size) continue;
      onProgress?.({ bytes: seen - told, descriptor: d });
      told = seen;
    }
  };
  try {
    await target.blobs.put(counted(), { expect: d, ...(signal && { signal }) });
  } finally {
    stream.destroy();
  }
  onProgress?.({ bytes: d.size - told, descriptor: d, isNew: true });
}
