import { existsSync, lstatSync, readFileSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { OcilotError } from "../errors.js";
import { type Durability, syncDirectory } from "../filesystem/atomic-write.js";
import { createFile } from "../filesystem/create-file.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { makeDirectory } from "../filesystem/make-directory.js";
import { sweepTemps } from "../filesystem/sweep-temps.js";
import { TEMP_PREFIX } from "../filesystem/temp-file.js";
import { INDEX_FILE } from "../spec/index-snapshot.js";
import { EMPTY_INDEX, MARKER_FILE, MARKER_TEXT } from "../spec/layout-marker.js";
import { BUILDKIT_LOCK } from "./buildkit-lock.js";
import { LOCK, acquireLock } from "./lock.js";

/**
 * Returns true if {@link createDirectory} can make a layout at `path`: nothing, an empty directory or an unfinished layout is there.
 * @example
 * ```ts
 * import { canCreateLayout, Layout } from "@ocilot/layout";
 *
 * console.log(canCreateLayout("./new-layout")); // true: nothing is there
 * await Layout.create("./new-layout");
 * ```
 */
export function canCreateLayout(path: string): boolean {
  try {
    return isUnfinished(path);
  } catch (error) {
    return errnoOf(error) === "ENOENT";
  }
}

/** Milliseconds to wait for another process that makes the same layout. */
const WAIT_MS = 30_000;

/**
 * Makes an empty layout in a directory that is empty or does not exist, under its lock: of two processes that make the same layout, one
 * makes it and the other finds it. `oci-layout` is written last: before it is there, the directory is not a layout to anybody. What a
 * killed process left half made is completed.
 * @throws OcilotError `OUTPUT_EXISTS`, `ACCESS_DENIED`, `LOCK_BUSY`, `IO_ERROR`
 */
export async function createDirectory(path: string, durability: Durability): Promise<void> {
  try {
    makeDirectory(path);
    if (!isUnfinished(path)) {
      await clearDeadLock(path);
      throw outputExists(path, "is not empty");
    }
    const lock = await acquireLock(path, { wait: WAIT_MS });
    try {
      // Another process may have made it meanwhile.
      refuseContent(path);
      await sweepTemps(path);
      for (const file of [INDEX_FILE, MARKER_FILE]) await rm(join(path, file), { force: true });
      makeDirectory(join(path, "blobs", "sha256"));
      await createFile(path, join(path, INDEX_FILE), new TextEncoder().encode(EMPTY_INDEX), durability);
      await createFile(path, join(path, MARKER_FILE), MARKER_TEXT, durability);
      if (durability.sync) for (const directory of [join(path, "blobs"), path]) await syncDirectory(directory);
    } finally {
      await lock.release();
    }
  } catch (error) {
    // A file is where a directory should be, or a program without the lock was faster.
    if (["EEXIST", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw outputExists(path, "already exists");
    throw ioError(error, path);
  }
}

/**
 * A process that was killed after the last file, with the lock in its hands, leaves the lock and a temporary file: the next run that finds
 * the layout finished removes both.
 */
async function clearDeadLock(path: string): Promise<void> {
  if (![LOCK, BUILDKIT_LOCK].some((name) => existsSync(join(path, name))) || !existsSync(join(path, MARKER_FILE))) return;
  const lock = await acquireLock(path, { wait: 0 }).catch(() => undefined);
  if (lock === undefined) return;
  try {
    await sweepTemps(path);
  } finally {
    await lock.release();
  }
}

/** @throws OcilotError `OUTPUT_EXISTS` if a directory holds anything but what a killed {@link createDirectory} left */
function refuseContent(path: string): void {
  if (!isUnfinished(path)) throw outputExists(path, "is not empty");
}

function isUnfinished(path: string): boolean {
  const names = readdirSync(path).filter((name) => !name.startsWith(TEMP_PREFIX) && name !== BUILDKIT_LOCK);
  // Complete files are those of a layout, empty as it may be.
  const marker = begun(join(path, MARKER_FILE));
  if (marker === MARKER_TEXT.length) return false;
  return names.every((name) => {
    if (name === "blobs") return holdsNothing(join(path, name));
    if (name === INDEX_FILE) return isBeginning(join(path, name), EMPTY_INDEX);
    return name === MARKER_FILE && isBeginning(join(path, name), new TextDecoder().decode(MARKER_TEXT));
  });
}

function begun(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.size;
}

function isBeginning(path: string, text: string): boolean {
  const stats = lstatSync(path);
  return stats.isFile() && stats.size <= text.length && text.startsWith(readFileSync(path, "utf8"));
}

/** True for `blobs` with at most the empty `sha256` in it. */
function holdsNothing(blobs: string): boolean {
  if (!lstatSync(blobs).isDirectory()) return false;
  const names = readdirSync(blobs);
  if (names.length === 0) return true;
  const only = join(blobs, "sha256");
  return names.length === 1 && names[0] === "sha256" && lstatSync(only).isDirectory() && readdirSync(only).length === 0;
}

function outputExists(path: string, why: string): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError("OUTPUT_EXISTS", `${path} ${why}`, { path }, { hint: "Name a directory that is empty or does not exist yet." });
}
