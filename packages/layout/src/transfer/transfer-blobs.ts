import { BlobMover } from "../mover/blob-mover.js";
import type { Layout } from "../layout.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { OnRefused } from "../storage.js";
import { missingFrom } from "./missing-blobs.js";
import type { TransferOptions } from "./transfer-options.js";
import { isRemote, transferRemote } from "./transfer-remote.js";
import { manifestKind } from "../spec/media-types.js";

/** Blobs up to this size are read and written many at once, in bytes. */
const SMALL_BYTES = 64 * 1024;
const BATCH_BYTES = 16 * 1024 * 1024;
const BATCH_BLOBS = 4096;
/** Progress within a large blob is reported in steps of this many bytes. */
const TELL_BYTES = 8 * 1024 * 1024;

/**
 * Copies blobs between layouts and checks size and digest; with `link`, only those of manifests. Large content is copied first, several
 * blobs at once. Manifests and small content follow in the order given, so that everything a manifest names is in the target before it. A
 * blob that the target has in that size is not written again. Blocks are shared where the file system can. Memory does not grow with the
 * size or number of blobs.
 * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, and what writing throws
 * @example
 * ```ts
 * import { Layout, parseManifest, transferBlobs } from "@ocilot/layout";
 *
 * const source = await Layout.open("./layout");
 * const target = await Layout.create("./other");
 * const image = await source.resolve("v1");
 * const { config, layers = [] } = parseManifest(await source.blobs.bytes(image), image.mediaType, image.digest);
 * await transferBlobs(source, target, [...layers, ...(config ? [config] : []), image]);
 * await target.tag(image, "v1");
 * ```
 */
export async function transferBlobs(
  source: Layout,
  target: Layout,
  descriptors: readonly Descriptor[],
  options: TransferOptions = {},
): Promise<void> {
  const absent = await absentFrom(target, descriptors, options);
  const unmounted = await mountContent(source, target, absent, options);
  const rest = options.link === true ? await linkContent(source, target, unmounted, options) : unmounted;
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
    if (!isLarge(d)) batch.push(d);
    // A store on a network tells which manifest it refuses only when it gets its bytes.
    else if (target.blobs.putReplayable !== undefined) await transferSmall(source, target, [d], options);
    else await transferLarge(source, target, [d], options);
    bytes += d.size;
  }
  await transferSmall(source, target, batch, options);
}

function isManifest(d: Descriptor): boolean {
  return manifestKind(d.mediaType) !== undefined;
}

/** Returns what is to be copied, each blob once. */
async function absentFrom(
  target: Layout,
  descriptors: readonly Descriptor[],
  { signal, onProgress }: TransferOptions,
): Promise<Descriptor[]> {
  const wanted = new Map(descriptors.map((d) => [`${d.digest} ${d.size}`, d]));
  const absent = await missingFrom(target, [...wanted.values()], signal);
  const isAbsent = new Set(absent);
  for (const d of wanted.values()) {
    if (isAbsent.has(d)) continue;
    target.blobs.keep?.(d.digest);
    onProgress?.({ bytes: d.size, descriptor: d, isNew: false });
  }
  return absent;
}

/** Lets the target take over blobs without a transfer, where it can. Returns the rest. */
async function mountContent(
  source: Layout,
  target: Layout,
  ds: readonly Descriptor[],
  options: TransferOptions,
): Promise<readonly Descriptor[]> {
  if (target.blobs.mount === undefined) return ds;
  const { signal, onProgress } = options;
  const rest = await target.blobs.mount(source.blobs, ds, signal && { signal });
  const isLeft = new Set(rest);
  for (const d of ds) if (!isLeft.has(d)) onProgress?.({ bytes: d.size, descriptor: d, isNew: true });
  return rest;
}

async function transferSmall(source: Layout, target: Layout, ds: readonly Descriptor[], options: TransferOptions): Promise<void> {
  if (ds.length === 0) return;
  const { signal, onProgress, onRefused } = options;
  const refused = new Set<Descriptor>();
  const refuses: OnRefused = async (d, error) => {
    const isLeft = (await onRefused?.(d, error)) === true;
    if (isLeft) refused.add(d);
    return isLeft;
  };
  const found = await source.blobs.bytesMany(ds, signal && { signal });
  const blobs = ds.map((descriptor, i) => {
    const bytes = found[i]!;
    if (!(bytes instanceof Uint8Array)) throw bytes;
    return { descriptor, bytes };
  });
  if (target.blobs.putMany !== undefined) await target.blobs.putMany(blobs, { ...(signal && { signal }), onRefused: refuses });
  else for (const { descriptor, bytes } of blobs) await target.blobs.put(bytes, { expect: descriptor, ...(signal && { signal }) });
  for (const d of ds) onProgress?.({ bytes: d.size, descriptor: d, ...(!refused.has(d) && { isNew: true }) });
}

/** Hard-links content, but no manifests, into the target. Returns what could not be linked. */
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
 * Copies several blobs at once: shares blocks where the file system can, else reads, checks and writes in one pass. The largest go first,
 * so that no core is left to copy the last large one alone.
 */
async function transferLarge(source: Layout, target: Layout, ds: readonly Descriptor[], options: TransferOptions): Promise<void> {
  if (ds.length === 0) return;
  if (isRemote(source, target)) return await transferRemote(source, target, ds, options);
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

/** Moves a blob from file to file. Returns false if the source has it in no file, or the target takes none. */
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

/** Copies a blob as a stream, for a source or target without files. */
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
