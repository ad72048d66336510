import { closeSync, constants, fsyncSync, linkSync, openSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import type { ExtentMover } from "./blob-extent.js";
import { errnoOf } from "../filesystem/io-error.js";
import type { Descriptor } from "../spec/descriptor.js";

/** Errors of a file system that cannot share blocks or link files, at all or with that other one. */
const UNABLE: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EINVAL", "ENOTTY", "EPERM", "EMLINK", "EACCES"]);

/**
 * Makes `to` a hard link to `file`, whose content is not checked. With `sync` its content is synced first.
 * @returns false if the file system cannot; nothing was made then
 * @throws file-system errors as they come; `EEXIST` if `to` exists
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
    // Windows syncs only files that are open for writing, which a read-only blob cannot be.
    if (process.platform !== "win32") throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes `temp` a copy of `file` that shares its blocks until one of the two is written, and checks it. Syncs it if `sync`.
 * @returns false if the file system cannot; nothing was made then
 * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`; file-system errors as they come. `temp` is left then.
 */
export async function shareFile(
  file: string,
  temp: string,
  d: Descriptor,
  { sync, mover }: { readonly sync: boolean; readonly mover: ExtentMover },
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
