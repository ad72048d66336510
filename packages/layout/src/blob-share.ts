import { constants, createReadStream } from "node:fs";
import { copyFile, link, open } from "node:fs/promises";
import { corrupt, sizeMismatch } from "./verified-stream.js";
import { algorithmOf, createHasher } from "./hash.js";
import { errnoOf, throwIfAborted } from "./io-error.js";
import type { Descriptor } from "./spec/descriptor.js";

/** What a file system answers that cannot share blocks, or not with that other one, or not that often. */
const UNABLE: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EINVAL", "ENOTTY", "EPERM", "EMLINK", "EACCES"]);

/**
 * Makes `temp` share the content of `file`: as another name of it, or as a copy that shares its blocks until one of the two
 * is written. A copy is hashed; another name is not, for it is the very file. Synced if `sync`.
 * @returns false where the file system cannot, and then nothing was made
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`; file-system errors as they come
 */
export async function shareFile(
  file: string,
  temp: string,
  d: Descriptor,
  options: { readonly link: boolean; readonly sync: boolean; readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  throwIfAborted(options.signal);
  try {
    if (options.link) await link(file, temp);
    else await copyFile(file, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (UNABLE.has(errnoOf(error) ?? "")) return false;
    throw error;
  }
  if (!options.link) await checkFile(temp, d, options.signal);
  if (options.sync) await syncContent(temp);
  return true;
}

async function checkFile(path: string, d: Descriptor, signal: AbortSignal | undefined): Promise<void> {
  const hasher = createHasher(algorithmOf(d.digest));
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    throwIfAborted(signal);
    size += chunk.length;
    hasher.update(chunk);
  }
  if (size !== d.size) throw sizeMismatch(d, size);
  const found = hasher.digest();
  if (found !== d.digest) throw corrupt(d, found);
}

async function syncContent(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
