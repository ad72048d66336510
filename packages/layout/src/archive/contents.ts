import { setImmediate as breathe } from "node:timers/promises";
import { createHasher, digestOf } from "../hash.js";
import { throwIfAborted } from "../io-error.js";
import { type Digest, isAlgorithm, isDigest, splitDigest } from "../spec/digest.js";
import { archiveInvalid, overLimit } from "./archive-error.js";
import type { ArchiveFile } from "./archive-file.js";
import type { Extent } from "./members.js";

const BLOB_NAME = /^blobs\/([^/]+)\/([^/]+)$/;
/** What is hashed between two turns of the event loop. */
const STEP = 1 << 22;

/** The digest of the blob that a member's name stands for, or undefined for any other file. */
export function blobDigest(name: string): Digest | undefined {
  const [, algorithm, encoded] = BLOB_NAME.exec(name) ?? [];
  const digest = `${algorithm}:${encoded}`;
  return encoded !== undefined && isDigest(digest) ? digest : undefined;
}

/**
 * The bytes of a small file of the archive, or undefined if there is none. It may stand there twice if both say the same.
 * @throws OcilotError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `IO_ERROR`
 */
export function readDocument(
  file: ArchiveFile,
  files: ReadonlyMap<string, Extent[]>,
  name: string,
  maxBytes: number,
): Uint8Array | undefined {
  const [first, ...others] = files.get(name) ?? [];
  if (first === undefined) return undefined;
  if (first.size > maxBytes) throw overLimit(file.location, `bytes of ${name}`, maxBytes, first.size, "No layout has such a file.");
  const bytes = file.read(first.offset, first.size);
  for (const other of others) {
    if (other.offset === first.offset) continue;
    if (other.size === bytes.length && bytes.equals(file.read(other.offset, other.size))) continue;
    throw archiveInvalid(file.location, "stands there a second time with other content; programs disagree which counts", {
      member: name,
      hint: "Do not trust this archive. Ask whoever made it.",
    });
  }
  return bytes;
}

/** Of several members under the name of one blob, the one whose content fits; the last if none does, or if that cannot be told. */
export async function chooseBlob(file: ArchiveFile, digest: Digest, extents: readonly Extent[], signal?: AbortSignal): Promise<Extent> {
  const last = extents.at(-1)!;
  const { algorithm } = splitDigest(digest);
  if (extents.length === 1 || !isAlgorithm(algorithm)) return last;
  for (const extent of extents) if ((await digestAt(file, extent, { algorithm, ...(signal && { signal }) })) === digest) return extent;
  return last;
}

/** The digest of what lies in a place of the archive. */
export async function digestAt(
  file: ArchiveFile,
  { offset, size }: Extent,
  { algorithm = "sha256", signal }: { algorithm?: Parameters<typeof digestOf>[1]; signal?: AbortSignal } = {},
): Promise<Digest> {
  const hasher = createHasher(algorithm);
  for (let at = 0; at < size; at += STEP) {
    hasher.update(file.read(offset + at, Math.min(STEP, size - at)));
    await breathe();
    throwIfAborted(signal);
  }
  return hasher.digest();
}
