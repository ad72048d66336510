import { execFile } from "node:child_process";
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { promisify } from "node:util";
import { throwIfAborted } from "./io-error.js";
import { tempName } from "./temp-file.js";

/** Files written between two turns of the event loop. */
const SLICE = 256;
/** From here on one call that syncs the file system is quicker than one for each file. */
const MANY = 16;

/** A small file that is to get its name. */
export interface SmallFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes many small files: each to a temporary name in `root`, then all of them synced together, then each renamed. A file
 * bears its name only when its content is on the disk; after a failure no temporary file is left.
 */
export async function writeBatch(
  root: string,
  files: readonly SmallFile[],
  { sync, signal }: { readonly sync: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const temps: string[] = [];
  try {
    const all = sync && files.length >= MANY && process.platform === "linux";
    for (const [i, { bytes }] of files.entries()) {
      if (i % SLICE === 0) {
        await breathe();
        throwIfAborted(signal);
      }
      const temp = join(root, tempName());
      temps.push(temp);
      writeTemp(temp, bytes, sync && !all);
    }
    if (all && !(await syncFileSystem(root))) for (const temp of temps) syncFile(temp);
    for (const [i, { path }] of files.entries()) {
      renameSync(temps[i]!, path);
      temps[i] = "";
    }
  } finally {
    for (const temp of temps) if (temp !== "") removeQuietly(temp);
  }
}

function writeTemp(temp: string, bytes: Uint8Array, sync: boolean): void {
  const fd = openSync(temp, "wx", 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    try {
      fchmodSync(fd, 0o644);
    } catch {
      // Some network and FAT volumes have no modes.
    }
    if (sync) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A file that cannot be removed is left for the next sweep. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What went wrong before is what the caller has to know.
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** `sync -f`, which Node has no call for. Returns whether it was done: a container may be without that program. */
async function syncFileSystem(root: string): Promise<boolean> {
  try {
    await promisify(execFile)("sync", ["-f", root]);
    return true;
  } catch {
    return false;
  }
}
