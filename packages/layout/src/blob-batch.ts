import { closeSync, fchmodSync, fstatSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { throwIfAborted } from "./io-error.js";
import { canSyncAtOnce, syncAtOnce } from "./sync-at-once.js";
import { removeTemp, tempName } from "./temp-file.js";

/** Files written between two turns of the event loop. */
const SLICE = 256;
const MODE = 0o644;

/** A small file that is to get its name; its content has been checked. */
export interface SmallFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes many small files, each to a temporary name in `root`, and renames it. With `sync` all of them are synced together
 * before any is renamed: a file bears its name only when its content is on the disk. After a failure no temporary file is left.
 */
export async function writeBatch(
  root: string,
  files: readonly SmallFile[],
  { sync, signal }: { readonly sync: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const temps: string[] = [];
  let named = 0;
  const nameAll = (): void => {
    for (; named < temps.length; named++) renameSync(temps[named]!, files[named]!.path);
  };
  const all = sync && canSyncAtOnce(files.length);
  const write = tempWriter(sync && !all);
  try {
    for (const [i, { bytes }] of files.entries()) {
      if (i % SLICE === 0) {
        await breathe();
        throwIfAborted(signal);
      }
      const temp = join(root, tempName());
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

/** Writes whole files that everybody may read, whatever the process's own mask says. */
function tempWriter(sync: boolean): (path: string, bytes: Uint8Array) => void {
  let isMasked: boolean | undefined;
  return (path, bytes) => {
    const fd = openSync(path, "wx", MODE);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      // One process has one mask: what the first file got, all get.
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
