import { closeSync, fsync, openSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Durability } from "../filesystem/atomic-write.js";
import { EarlySync } from "../filesystem/early-sync.js";
import { createHasher } from "../content/hash.js";
import { ioError } from "../filesystem/io-error.js";
import { throwIfAborted } from "../abort.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Algorithm, Digest } from "../spec/digest.js";
import type { BlobExtent, ExtentMover } from "../mover/blob-extent.js";
import type { BlobSource } from "../storage.js";
import { removeTemp, tempName } from "../filesystem/temp-file.js";
import { corrupt, sizeMismatch } from "../content/check-bytes.js";

/** How a blob is written to a temporary file. */
export interface BlobTempOptions extends Durability {
  readonly algorithm: Algorithm;
  readonly expect: Descriptor | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Writes content to a temporary file in `root`, synced, and not yet readable by others. After a failure none is left.
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, `ACCESS_DENIED`, `IO_ERROR`, and what the source throws
 */
export async function writeBlobTemp(
  root: string,
  source: BlobSource,
  options: BlobTempOptions,
): Promise<{ temp: string; digest: Digest; size: number }> {
  // An error of the source must not be reported as one of a file of the layout.
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
    throw error === fault ? error : ioError(error, root);
  }
}

/**
 * Writes a range of an open file to a temporary file, as {@link writeBlobTemp}. Returns the name of the temporary file.
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, `ACCESS_DENIED`, `IO_ERROR`
 */
export async function writeExtentTemp(
  root: string,
  extent: BlobExtent,
  d: Descriptor,
  { sync, mover, onBytes }: Durability & { readonly mover: ExtentMover; readonly onBytes?: ((n: number) => void) | undefined },
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
    throw ioError(error, root);
  }
}

/** Writes the content that `expect` describes, or any. Stops at the first byte too many, before it fills the disk. */
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
