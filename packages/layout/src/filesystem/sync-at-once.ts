import { execFile } from "node:child_process";
import { closeSync, fsyncSync, openSync } from "node:fs";
import { promisify } from "node:util";

/** From this many files on, one call that syncs the file system is quicker than one for each file. */
const MANY = 16;

/** Returns true if so many files are synced faster by {@link syncAtOnce} than one by one. */
export function canSyncAtOnce(files: number): boolean {
  return files >= MANY && process.platform === "linux";
}

/** Syncs the content of files, all on the file system of `root`. @throws file-system errors as they come */
export async function syncAtOnce(root: string, paths: Iterable<string>): Promise<void> {
  try {
    // Node has no call for it.
    await promisify(execFile)("sync", ["-f", root]);
  } catch {
    // A container may not have that program.
    for (const path of paths) syncFile(path);
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
