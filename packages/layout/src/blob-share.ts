import { closeSync, constants, fsyncSync, linkSync, openSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import type { BlobMover } from "./blob-mover.js";
import { errnoOf } from "./io-error.js";
import type { Descriptor } from "./spec/descriptor.js";

/** What a file system answers that cannot share blocks, or not with that other one, or not that often. */
const UNABLE: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EINVAL", "ENOTTY", "EPERM", "EMLINK", "EACCES"]);

/**
 * Makes `to` another name of `file`, whose content is not looked at: it is the very file. Its content is synced before if `sync`.
 * @returns false where the file system cannot, and then nothing was made
 * @throws file-system errors as they come; `EEXIST` where there is something of that name
 */
export function linkFile(file: string, to: string, sync: boolean): boolean {
  try {
    if (sync) syncFile(file);
    linkSync(file, to);
    return true;
  } catch (error) {
    if (UNABLE.has(errnoOf(error) ?? "")) return false;
    throw error;
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } catch (error) {
    // Windows syncs only what is open for writing, which a read-only blob cannot be.
    if (process.platform !== "win32") throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes `temp` a copy of `file` that shares its blocks until one of the two is written, and checks it. Synced if `sync`.
 * @returns false where the file system cannot, and then nothing was made
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`; file-system errors as they come. `temp` is then left.
 */
export async function shareFile(
  file: string,
  temp: string,
  d: Descriptor,
  { sync, mover }: { readonly sync: boolean; readonly mover: BlobMover },
): Promise<boolean> {
  try {
    await copyFile(file, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (UNABLE.has(errnoOf(error) ?? "")) return false;
    throw error;
  }
  const copy = await open(temp, "r");
  try {
    const { size } = await copy.stat();
    await mover.move({ fd: copy.fd, offset: 0, size, isWholeFile: true, close: () => undefined }, d);
    if (sync) await copy.sync();
  } finally {
    await copy.close();
  }
  return true;
}
