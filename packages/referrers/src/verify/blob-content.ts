import { BlobMover, type Descriptor, type Digest, type Layout, OcilotError, isAlgorithm, isOcilotError, splitDigest } from "@ocilot/layout";

/** What is known of the content of a digest. `size` is that of the file, in bytes. */
export type Content =
  | { readonly state: "whole"; readonly size: number }
  | { readonly state: "missing" }
  | { readonly state: "corrupt"; readonly size: number; readonly message: string }
  | { readonly state: "unreadable"; readonly message: string; readonly fix?: string }
  /** The system denies reading it; `fix` is the command that helps. */
  | { readonly state: "denied"; readonly message: string; readonly fix: string }
  | { readonly state: "unsupported"; readonly message: string };

/** Progress of hashing. */
export interface VerifyProgress {
  readonly blobs: number;
  readonly totalBlobs: number;
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface ContentOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: VerifyProgress) => void) | undefined;
  /** Threads for large blobs, besides the calling one (default: one for each other core; 0: none). */
  readonly workers?: number | undefined;
}

/** Blobs up to this size are read in batches. */
const SMALL_BYTES = 1 << 20;
const BATCH_BYTES = 16 << 20;
const BATCH_COUNT = 256;

/**
 * Hashes each digest once, at the size of its file, whatever size descriptors state. Small blobs are read in batches, large ones
 * several at once.
 * @throws OcilotError `ABORTED`
 */
export async function checkContent(layout: Layout, digests: Iterable<Digest>, options: ContentOptions = {}): Promise<Map<Digest, Content>> {
  const found = new Map<Digest, Content>();
  const small: Descriptor[] = [];
  const large: Descriptor[] = [];
  for (const digest of digests) {
    try {
      const size = await layout.blobs.size(digest);
      if (size === undefined) found.set(digest, { state: "missing" });
      else if (!isAlgorithm(splitDigest(digest).algorithm)) found.set(digest, unsupported(digest));
      else (size <= SMALL_BYTES ? small : large).push({ mediaType: "application/octet-stream", digest, size });
    } catch (error) {
      found.set(digest, contentOf(digest, 0, error));
    }
  }
  const total = { totalBlobs: small.length + large.length, totalBytes: sum(small) + sum(large) };
  let blobs = 0;
  let bytes = 0;
  const note = (d: Descriptor, content: Content): void => {
    found.set(d.digest, content);
    blobs++;
  };
  const tell = (more: number): void => {
    bytes += more;
    options.onProgress?.({ blobs, bytes, ...total });
  };
  tell(0);
  for (const batch of batchesOf(small)) {
    checkAborted(options.signal);
    const read = await layout.blobs.bytesMany(batch, options.signal ? { signal: options.signal } : {});
    batch.forEach((d, i) =>
      note(d, read[i] instanceof OcilotError ? contentOf(d.digest, d.size, read[i]) : { state: "whole", size: d.size }),
    );
    tell(sum(batch));
  }
  await checkLarge(layout, large, note, tell, options);
  return found;
}

async function checkLarge(
  layout: Layout,
  large: readonly Descriptor[],
  note: (d: Descriptor, content: Content) => void,
  tell: (bytes: number) => void,
  { signal, workers }: ContentOptions,
): Promise<void> {
  const mover = new BlobMover(
    large.map((d) => d.size),
    { threads: workers, signal },
  );
  try {
    // The largest first, so that in the end no core waits for the last one alone.
    await mover.each(
      large.toSorted((a, b) => b.size - a.size),
      async (d) => {
        checkAborted(signal);
        let told = 0;
        const onBytes = (n: number): void => {
          told += n;
          tell(n);
        };
        note(d, await contentAt(layout, d, mover, onBytes, signal));
        tell(Math.max(0, d.size - told));
      },
    );
  } finally {
    mover.close();
  }
}

/** Hashes content from its file if it has one, else from a stream. */
async function contentAt(
  layout: Layout,
  d: Descriptor,
  mover: BlobMover,
  onBytes: (n: number) => void,
  signal: AbortSignal | undefined,
): Promise<Content> {
  try {
    const extent = await layout.blobs.extent?.(d);
    if (extent === undefined) return await streamed(layout, d, onBytes, signal);
    try {
      await mover.move(extent, d, { onBytes });
    } finally {
      extent.close();
    }
    return { state: "whole", size: d.size };
  } catch (error) {
    checkAborted(signal);
    return contentOf(d.digest, d.size, error);
  }
}

async function streamed(layout: Layout, d: Descriptor, onBytes: (n: number) => void, signal: AbortSignal | undefined): Promise<Content> {
  for await (const chunk of await layout.blobs.open(d, { signal })) onBytes(chunk.length);
  return { state: "whole", size: d.size };
}

function contentOf(digest: Digest, size: number, error: unknown): Content {
  if (!isOcilotError(error)) throw error;
  if (error.code === "ABORTED") throw error;
  if (error.code === "BLOB_NOT_FOUND") return { state: "missing" };
  if (error.code === "BLOB_CORRUPT" || error.code === "SIZE_MISMATCH") return { state: "corrupt", size, message: error.message };
  if (error.code === "ALGORITHM_UNSUPPORTED") return unsupported(digest);
  if (error.code === "ACCESS_DENIED") return { state: "denied", message: error.message, fix: error.hint ?? "" };
  // A link out of the layout is not damage: its content may be sound.
  if (error.code === "LINK_OUTSIDE") return { state: "unreadable", message: error.message, fix: error.hint ?? "" };
  return { state: "unreadable", message: error.message };
}

function unsupported(digest: Digest): Content {
  return {
    state: "unsupported",
    message: `${digest}: ocilot cannot compute ${splitDigest(digest).algorithm} digests, so the content is not checked`,
  };
}

function* batchesOf(blobs: readonly Descriptor[]): Iterable<Descriptor[]> {
  let batch: Descriptor[] = [];
  let bytes = 0;
  for (const d of blobs) {
    batch.push(d);
    bytes += d.size;
    if (batch.length < BATCH_COUNT && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function sum(blobs: readonly Descriptor[]): number {
  return blobs.reduce((total, d) => total + d.size, 0);
}

function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OcilotError("ABORTED", "interrupted; nothing was written", {}, { cause: signal.reason });
}
