import { closeSync, fsync, openSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Durability } from "./atomic-write.js";
import type { BlobMover } from "./blob-mover.js";
import { EarlySync } from "./early-sync.js";
import { createHasher } from "./hash.js";
import { ioError, throwIfAborted } from "./io-error.js";
import type { Descriptor } from "./spec/descriptor.js";
import type { Algorithm, Digest } from "./spec/digest.js";
import type { BlobExtent, BlobSource } from "./storage.js";
import { removeTemp, tempName } from "./temp-file.js";
import { corrupt, sizeMismatch } from "./verified-stream.js";

/** What a blob is written as, and what may end it early. */
export interface BlobTempOptions extends Durability {
  readonly algorithm: Algorithm;
  readonly expect: Descriptor | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Writes content to a temporary file in `root`, synced and without a mode for others yet; after a failure none is left.
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, `IO_ERROR`, and what the source throws
 */
export async function writeBlobTemp(
  root: string,
  source: BlobSource,
  options: BlobTempOptions,
): Promise<{ temp: string; digest: Digest; size: number }> {
  // What the source throws is not about a file of the layout, and must not be reported as if it were.
  let fault: unknown;
  const watched = async function* (): AsyncIterable<Uint8Array> {
    try {
      yield* source instanceof Uint8Array ? [source] : source;
    } catch (error) {
      fault = error;
      throw error;
    }
  };
  const temp = join(root, tempName());
  try {
    const file = await open(temp, "wx", 0o600);
    try {
      const written = await writeAll(file, watched(), options);
      if (options.sync) await file.sync();
      return { temp, ...written };
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined);
    throw error === fault ? error : ioError(error, temp);
  }
}

/**
 * As {@link writeBlobTemp}, for what lies in an open file. Returns the name of the temporary file.
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, `IO_ERROR`
 */
export async function writeExtentTemp(
  root: string,
  extent: BlobExtent,
  d: Descriptor,
  { sync, mover, onBytes }: Durability & { readonly mover: BlobMover; readonly onBytes?: ((n: number) => void) | undefined },
): Promise<string> {
  const temp = join(root, tempName());
  try {
    const fd = openSync(temp, "wx", 0o600);
    const early = new EarlySync(fd);
    try {
      const note = (n: number): void => {
        if (sync) early.note(n);
        onBytes?.(n);
      };
      await mover.move(extent, d, { to: { fd, offset: 0 }, onBytes: note });
      await early.settle();
      if (sync) await promisify(fsync)(fd);
    } finally {
      await early.end();
      closeSync(fd);
    }
    return temp;
  } catch (error) {
    removeTemp(temp);
    throw ioError(error, temp);
  }
}

/** Writes what `expect` promises, or anything; it stops at the first byte too many, before that fills the disk. */
async function writeAll(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  { algorithm, expect, signal }: BlobTempOptions,
): Promise<{ digest: Digest; size: number }> {
  const hasher = createHasher(algorithm);
  let size = 0;
  for await (const chunk of source) {
    throwIfAborted(signal);
    size += chunk.length;
    if (expect !== undefined && size > expect.size) throw sizeMismatch(expect, size);
    hasher.update(chunk);
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
  }
  if (expect !== undefined && size !== expect.size) throw sizeMismatch(expect, size);
  const digest = hasher.digest();
  if (expect !== undefined && digest !== expect.digest) throw corrupt(expect, digest);
  return { digest, size };
}
