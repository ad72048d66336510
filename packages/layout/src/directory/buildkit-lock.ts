import { lstat, mkdir, readlink, rm, rmdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../filesystem/io-error.js";

/** BuildKit's lock. BuildKit makes a file; ocilot makes a directory, which BuildKit fails to open. */
export const BUILDKIT_LOCK = "index.json.lock";

/** Takes BuildKit's lock for the holder of ocilot's own. Returns false if BuildKit has it. @throws file-system errors as they come */
export async function takeBuildkitLock(root: string): Promise<boolean> {
  const path = join(root, BUILDKIT_LOCK);
  try {
    await mkdir(path);
  } catch (error) {
    // On a full disk: a link to a directory needs no free block, and BuildKit fails to open it as well.
    if (["ENOSPC", "EDQUOT"].includes(errnoOf(error) ?? "")) await linkToItself(path, error);
    else if (errnoOf(error) !== "EEXIST") throw error;
    // A killed ocilot left it: it belongs to the holder of ocilot's own lock.
    else if (!(await isOwnBuildkitLock(path))) return false;
  }
  return true;
}

/** A file system without symbolic links has no way around the full disk, which is then what is reported. */
async function linkToItself(path: string, noSpace: unknown): Promise<void> {
  await symlink(".", path).catch(() => {
    throw noSpace;
  });
}

async function isOwnBuildkitLock(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isDirectory() === true || (stats?.isSymbolicLink() === true && (await readlink(path).catch(() => "")) === ".");
}

/** Releases it, if it is ocilot's. */
export async function releaseBuildkitLock(root: string): Promise<void> {
  const path = join(root, BUILDKIT_LOCK);
  await rmdir(path).catch(async (error: unknown) => {
    if (errnoOf(error) === "ENOTDIR" && (await isOwnBuildkitLock(path))) await rm(path, { force: true });
  });
}
