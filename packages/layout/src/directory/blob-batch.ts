import { closeSync, fchmodSync, fstatSync, fsyncSync, openSync, writeSync } from "node:fs";
import { sep } from "node:path";
import { throwIfAborted } from "../abort.js";
import { Pace } from "../filesystem/pace.js";
import { renameOverSync } from "../filesystem/rename-over.js";
import { canSyncAtOnce, syncAtOnce } from "../filesystem/sync-at-once.js";
import { removeTemp, tempName } from "../filesystem/temp-file.js";

const MODE = 0o644;

/** A small file to write. Its content has been checked. */
export interface SmallFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes many small files, each to a temporary name in `root`, and renames them. With `sync` all are synced together before any is renamed:
 * a file gets its name only when its content is on the disk. After a failure no temporary file is left.
 */
export async function writeBatch(
  root: string,
  files: readonly SmallFile[],
  { sync, signal }: { readonly sync: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  throwIfAborted(signal);
  const pace = new Pace(signal);
  const temps: string[] = [];
  let named = 0;
  const nameAll = (): void => {
    for (; named < temps.length; named++) renameOverSync(temps[named]!, files[named]!.path);
  };
  const all = sync && canSyncAtOnce(files.length);
  const write = tempWriter(sync && !all);
  try {
    for (const { bytes } of files) {
      if (pace.isDue) await pace.rest();
      const temp = root + sep + tempName();
      temps.push(temp);
      write(temp, bytes);
      if (!sync) nameAll();
    }
    if (all) await syncAtOnce(root, temps);
    nameAll();
  } finally {
    for (const temp of temps.slice(named)) removeTemp(temp);
  }
}

/** Returns a function that writes a file readable by everybody, whatever the umask is. */
function tempWriter(sync: boolean): (path: string, bytes: Uint8Array) => void {
  let isMasked: boolean | undefined;
  return (path, bytes) => {
    const fd = openSync(path, "wx", MODE);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      // The umask belongs to the process: it treats all files alike.
      isMasked ??= (fstatSync(fd).mode & 0o777) !== MODE;
      if (isMasked) setMode(fd);
      if (sync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  };
}

function setMode(fd: number): void {
  try {
    fchmodSync(fd, MODE);
  } catch {
    // Some network and FAT volumes have no modes.
  }
}
