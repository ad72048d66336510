import { type FileHandle, chmod, lstat, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "./io-error.js";
import { renameOver } from "./rename-over.js";
import { tempName } from "./temp-file.js";

/** Whether a write survives a power failure; `false` is for throw-away work. */
export interface Durability {
  readonly sync: boolean;
}

/**
 * Replaces a file in one step: writes a temporary file in `root`, syncs it, renames it over the file and syncs the directory. Keeps the
 * mode of an existing file; a new one gets 0644. Calls `before` right before the rename. A crash leaves the old file or the new one, and
 * perhaps a temporary file that the next write sweeps.
 * @example
 * ```ts
 * import { replaceFile } from "@ocilot/layout";
 *
 * await replaceFile(".", "./report.json", new TextEncoder().encode("{}"), { sync: true });
 * ```
 */
export async function replaceFile(
  root: string,
  path: string,
  bytes: Uint8Array,
  durability: Durability,
  before?: () => Promise<void>,
): Promise<void> {
  const temp = join(root, tempName());
  try {
    const mode = await lstat(path).then(
      (s) => s.mode & 0o777,
      () => 0o644,
    );
    const file = await open(temp, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      if (durability.sync) await file.sync();
    } finally {
      await file.close();
    }
    await setMode(temp, mode);
    await before?.();
    await renameOver(temp, path);
  } catch (error) {
    await rm(temp).catch(() => undefined);
    throw error;
  }
  if (durability.sync) await syncDirectory(dirname(path));
}

/** Sets the mode of a file, where the file system has modes: some network and FAT volumes refuse it. */
export async function setMode(path: string, mode: number): Promise<void> {
  try {
    await chmod(path, mode);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"].includes(errnoOf(error) ?? "")) throw error;
  }
}

/**
 * Makes the names in a directory durable. Windows and some network file systems cannot sync a directory; there a crash may undo a rename.
 */
export async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle | undefined;
  try {
    directory = await open(path, "r");
    await directory.sync();
  } catch (error) {
    if (!["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(errnoOf(error) ?? "")) throw error;
  } finally {
    await directory?.close();
  }
}
