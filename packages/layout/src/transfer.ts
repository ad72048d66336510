import { BlobMover } from "./blob-mover.js";
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
 * Copies blobs between layouts, size and digest checked on the way; with `link` only those of manifests. Large content goes
 * first, several blobs at once; manifests and small content follow in the order given, so that what a manifest names and what
 * comes before it in the list is in the target before it is.
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
  const absent = await absentFrom(target, descriptors, options);
  const rest = options.link === true ? await linkContent(source, target, absent, options) : absent;
  const isLarge = (d: Descriptor): boolean => d.size > SMALL_BYTES;
  await transferLarge(
    source,
    target,
    rest.filter((d) => isLarge(d) && !isManifest(d)),
    options,
  );
  let batch: Descriptor[] = [];
  let bytes = 0;
  for (const d of rest.filter((blob) => !isLarge(blob) || isManifest(blob))) {
    if (isLarge(d) || batch.length === BATCH_BLOBS || bytes > BATCH_BYTES) {
      await transferSmall(source, target, batch, options);
      batch = [];
      bytes = 0;
    }
    if (isLarge(d)) await transferLarge(source, target, [d], options);
    else batch.push(d);
    bytes += d.size;
  }
  await transferSmall(source, target, batch, options);
}

function isManifest(d: Descriptor): boolean {
  return manifestKind(d.mediaType) !== undefined;
}

/** What is to be copied, each once. */
async function absentFrom(
  target: Layout,
  descriptors: readonly Descriptor[],
  { signal, onProgress }: TransferOptions,
): Promise<Descriptor[]> {
  const absent = new Map<string, Descriptor>();
  for (const d of descriptors) {
    throwIfAborted(signal);
    const key = `${d.digest} ${d.size}`;
    const isThere = absent.has(key) || (await target.blobs.size(d.digest)) === d.size;
    if (!isThere) absent.set(key, d);
    else {
      target.blobs.keep?.(d.digest);
      onProgress?.({ bytes: d.size, descriptor: d, isNew: false });
    }
  }
  return [...absent.values()];
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

/** Gives content, but no manifests, another name in the target; returns what could not be. */
async function linkContent(source: Layout, target: Layout, ds: readonly Descriptor[], options: TransferOptions): Promise<Descriptor[]> {
  const { signal, onProgress } = options;
  const rest: Descriptor[] = [];
  const mover = new BlobMover([], { signal });
  try {
    for (const d of ds) {
      const file = isManifest(d) ? undefined : await source.blobs.file?.(d);
      const isLinked = file !== undefined && (await target.blobs.putFile?.(file, d, { link: true, mover })) === true;
      if (isLinked) onProgress?.({ bytes: d.size, descriptor: d, isNew: true });
      else rest.push(d);
    }
  } finally {
    mover.close();
  }
  return rest;
}

/**
 * Several at once: shared where the file system can, else read, checked and written in one pass. The largest go first, so that
 * in the end no core waits for the last one alone.
 */
async function transferLarge(source: Layout, target: Layout, ds: readonly Descriptor[], options: TransferOptions): Promise<void> {
  if (ds.length === 0) return;
  const { signal, onProgress } = options;
  const mover = new BlobMover(
    ds.map((d) => d.size),
    { signal },
  );
  let canShare = true;
  const share = async (d: Descriptor): Promise<boolean> => {
    const file = canShare ? await source.blobs.file?.(d) : undefined;
    canShare = file !== undefined && (await target.blobs.putFile?.(file, d, { link: false, mover })) === true;
    return canShare;
  };
  try {
    await mover.each(
      ds.toSorted((a, b) => b.size - a.size),
      async (d) => {
        let told = 0;
        const onBytes = (n: number): void => {
          if (told + n < d.size) onProgress?.({ bytes: n, descriptor: d });
          if (told + n < d.size) told += n;
        };
        if (!(await share(d)) && !(await move(source, target, d, { mover, onBytes })))
          await pour(source, target, d, { mover, signal, onBytes });
        onProgress?.({ bytes: d.size - told, descriptor: d, isNew: true });
      },
    );
  } finally {
    mover.close();
  }
}

/** False where the one is in no file, or the other takes none. */
async function move(
  source: Layout,
  target: Layout,
  d: Descriptor,
  options: { readonly mover: BlobMover; readonly onBytes: (n: number) => void },
): Promise<boolean> {
  if (target.blobs.putExtent === undefined) return false;
  const extent = await source.blobs.extent?.(d);
  if (extent === undefined) return false;
  try {
    await target.blobs.putExtent(extent, d, options);
    return true;
  } finally {
    extent.close();
  }
}

/** For a source that is no file, and a target that is none. */
async function pour(
  source: Layout,
  target: Layout,
  d: Descriptor,
  {
    mover,
    signal,
    onBytes,
  }: { readonly mover: BlobMover; readonly signal: AbortSignal | undefined; readonly onBytes: (n: number) => void },
): Promise<void> {
  const stream = await source.blobs.open(d);
  let untold = 0;
  const counted = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      mover.check();
      yield chunk;
      untold += chunk.length;
      if (untold < TELL_BYTES) continue;
      onBytes(untold);
      untold = 0;
    }
  };
  try {
    await target.blobs.put(counted(), { expect: d, ...(signal && { signal }) });
  } finally {
    stream.destroy();
  }
}
