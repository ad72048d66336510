import { lstatSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FileSystemClock } from "./clock.js";
import { TEMP_PREFIX, hostTag, isAlive, removeTemp } from "./temp-file.js";

/** A temporary file of another host may be in use for this long, in milliseconds. */
const FOREIGN_AGE_MS = 24 * 3600 * 1000;
/** The beginning of a blob is kept this long after the last byte arrived, for another attempt to download it, in milliseconds. */
const PARTIAL_AGE_MS = 7 * FOREIGN_AGE_MS;
/** What a download has, and what a server has of an upload that its client may resume. */
const KEPT_PARTS: readonly string[] = [`${TEMP_PREFIX}part-`, `${TEMP_PREFIX}upload-`];

/**
 * Removes what killed processes left in `directory`: temporary files of dead processes of this host; of other hosts those older than a day
 * by the file system's clock. Returns the names. A file that cannot be removed is left for the next sweep.
 * @param options `claims`: also remove claims to a lock (see `lock.ts`) that are older than a day. Only for the holder of the lock, for
 * whom no claim that old is of use.
 * @internal Exported for the sibling packages, which remove what they left in directories of their own.
 */
export async function sweepTemps(directory: string, options: { readonly claims?: boolean } = {}): Promise<string[]> {
  const { claims = false } = options;
  const swept: string[] = [];
  const clock = new FileSystemClock(directory);
  for (const name of await readdir(directory)) {
    if (KEPT_PARTS.some((prefix) => name.startsWith(prefix))) {
      if (isOlderThan(join(directory, name), PARTIAL_AGE_MS, clock)) removeTemp(join(directory, name));
      continue;
    }
    const match = /^\.ocilot-(?:tmp|wait)-([0-9a-f]{8})-(\d+)-[0-9a-f]{12,18}$/.exec(name);
    if (match === null && !(claims && /^\.ocilot-lock\.after-[0-9a-f]+$/.test(name))) continue;
    const path = join(directory, name);
    const isDue = match?.[1] === hostTag() ? !isAlive(Number(match[2])) : isOlderThan(path, FOREIGN_AGE_MS, clock);
    if (!isDue) continue;
    await rm(path, { force: true, recursive: true }).then(
      () => swept.push(name),
      () => undefined,
    );
  }
  return swept;
}

/** Returns true if a file was last written more than `age` milliseconds ago, by the file system's clock. */
export function isOlderThan(path: string, age: number, clock: FileSystemClock): boolean {
  try {
    return clock.now() - lstatSync(path).mtimeMs > age;
  } catch {
    return false;
  }
}
