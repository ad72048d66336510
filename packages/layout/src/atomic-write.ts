import { type FileHandle, chmod, lstat, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "./io-error.js";
import { tempName } from "./temp-file.js";

/** How hard a write tries to survive a power cut; `false` is for throw-away work. */
export interface Durability {
  readonly sync: boolean;
}

/**
 * Replaces a file in one step: a temporary file in `root`, synced, renamed over it, the directory synced. The mode of a
 * file that is there is kept, a new one gets 0644. `before` runs when all is ready but the rename.
 * A crash leaves the old file or the new one, and perhaps a temporary file that the next write sweeps.
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
    await rm(temp, { force: true }).catch(() => undefined);
    throw error;
  }
  if (durability.sync) await syncDirectory(dirname(path));
}

/** As chmod, where the file system has modes at all: some network and FAT volumes refuse it. */
export async function setMode(path: string, mode: number): Promise<void> {
  try {
    await chmod(path, mode);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"].includes(errnoOf(error) ?? "")) throw error;
  }
}

/** As rename. On Windows it fails while a reader or a virus scanner has the target open, which passes. */
export async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const isPassing = process.platform === "win32" && ["EPERM", "EACCES", "EBUSY"].includes(errnoOf(error) ?? "");
      if (!isPassing || attempt === 20) throw error;
      await sleep(attempt * 5);
    }
  }
}

/** Makes names durable. Windows and some network file systems cannot sync a directory; there a crash may undo a rename. */
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
