import { copyFile, lstat, mkdir, open, readdir, realpath, rm, rmdir } from "node:fs/promises";
import { constants } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { OcilotError } from "../errors.js";
import { replaceFile, syncDirectory } from "../filesystem/atomic-write.js";
import { renameOver } from "../filesystem/rename-over.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { makeDirectory } from "../filesystem/make-directory.js";
import { throwIfAborted } from "../abort.js";
import { sweepTemps } from "../filesystem/sweep-temps.js";
import { canSyncAtOnce, syncAtOnce } from "../filesystem/sync-at-once.js";
import { tempName } from "../filesystem/temp-file.js";
import { isLayoutDirectory } from "../directory/directory-backend.js";
import { type Layout } from "../layout.js";
import { INDEX_FILE } from "../spec/index-snapshot.js";
import { MARKER_FILE, MARKER_TEXT } from "../spec/layout-marker.js";
import { type CloneItem, isInside, listTree } from "./clone-tree.js";
import { moveInto, undoMoves } from "./move-into.js";
import { unpackLayout } from "./unpack.js";

/** Copies at once. The kernel does the work; more would only fill its queues. */
const PARALLEL = 16;

/** How a layout is cloned. */
export interface CloneOptions<T> {
  /** Works on the copy before it is visible as a layout. If it throws, nothing is left. */
  finish?: (staged: string) => Promise<T>;
  /** `false` skips syncing to the disk: faster, but data may be lost on power failure (default: true). */
  sync?: boolean;
  /** Copy the content of files that are links out of the layout (default: false, which refuses them). */
  followLinks?: boolean;
  signal?: AbortSignal;
  /** Called with the number of bytes copied. */
  onProgress?: (event: { readonly bytes: number; readonly totalBytes: number }) => void;
}

/** The number of files copied, and what `finish` returned. */
export interface CloneResult<T> {
  readonly files: number;
  readonly result: T | undefined;
}

/**
 * Copies a layout directory with every file, referenced or not, to `target`, which must be empty or not exist; or all that an open archive
 * holds. Only reads the source. The copy is made under a temporary name, and `target` is not a layout until it is complete. Blocks are
 * shared with the source where the file system can; modes are kept. A missing `oci-layout` is added. What a killed process leaves, the next call for the same target
 * removes.
 * @throws OcilotError `PATH_NOT_FOUND`, `OUTPUT_EXISTS`, `WRITE_REFUSED`, `LINK_OUTSIDE`, `ABORTED`, `ACCESS_DENIED`, `IO_ERROR`, and what
 * `finish` throws
 * @example
 * ```ts
 * import { cloneLayout } from "@ocilot/layout";
 *
 * const { files } = await cloneLayout("./layout", "./copy");
 * console.log(files);
 * ```
 */
export async function cloneLayout<T = void>(
  source: string | Layout,
  target: string,
  options: CloneOptions<T> = {},
): Promise<CloneResult<T>> {
  const { sync = true, followLinks = false, signal, onProgress } = options;
  const root = typeof source === "string" ? await realSource(source) : undefined;
  const { place, exists } = await checkTarget(root, target);
  let madeParent: string | undefined;
  let staged: string | undefined;
  try {
    // Listed first: what is refused is refused before anything is written.
    const items = root === undefined ? [] : await listTree(root, { followLinks, signal });
    madeParent = exists ? undefined : makeDirectory(dirname(place));
    if (!exists) await sweepTemps(dirname(place));
    staged = join(exists ? place : dirname(place), tempName());
    const files =
      root === undefined
        ? await unpackLayout(source as Layout, staged, { sync, signal, onProgress })
        : await copyItems(items, staged, { sync, signal, onProgress });
    if (root !== undefined && isLayoutDirectory(root) && !items.some((i) => i.name === MARKER_FILE))
      await replaceFile(staged, join(staged, MARKER_FILE), MARKER_TEXT, { sync });
    const result = await options.finish?.(staged);
    throwIfAborted(signal);
    if (exists) await moveInto(staged, place);
    else await takePlace(staged, place);
    staged = undefined;
    madeParent = undefined;
    if (sync) await syncDirectory(exists ? place : dirname(place));
    return { files, result };
  } catch (error) {
    throw ioError(error, target);
  } finally {
    if (staged !== undefined) await rm(staged, { recursive: true, force: true });
    if (madeParent !== undefined) await removeEmpty(dirname(place), madeParent);
  }
}

async function realSource(source: string): Promise<string> {
  try {
    return await realpath(source);
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw ioError(error, source);
    throw new OcilotError("PATH_NOT_FOUND", `${source} does not exist`, { path: source });
  }
}

/** Returns the real path of the target, and whether it exists as an empty directory. */
async function checkTarget(root: string | undefined, target: string): Promise<{ place: string; exists: boolean }> {
  const place = await realPlace(resolve(target));
  if (root !== undefined && isInside(root, place)) {
    throw new OcilotError(
      "WRITE_REFUSED",
      `${target} is inside the layout that is to be copied`,
      { reason: "output-inside-source", file: target },
      { hint: "Name a directory outside it." },
    );
  }
  const namesAt = async (): Promise<string[] | undefined> =>
    await readdir(place).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return undefined;
      if (errnoOf(error) === "ENOTDIR") throw outputExists(target, "is not a directory");
      throw ioError(error, target);
    });
  let names = await namesAt();
  if (names !== undefined && names.length > 0) {
    await undoMoves(place);
    await sweepTemps(place);
    names = await namesAt();
  }
  if (names !== undefined && names.length > 0) throw outputExists(target, "is not empty");
  return { place, exists: names !== undefined };
}

/** Returns the real path of the part that exists, and the rest of the name behind it. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") throw outputExists(path, "leads through a file");
    if (errnoOf(error) !== "ENOENT") throw ioError(error, path);
    if (await lstat(path).catch(() => undefined)) throw outputExists(path, "is a link that leads nowhere");
    return join(await realPlace(dirname(path)), basename(path));
  }
}

/** Copies `index.json` first: what it names existed before it, so a concurrent writer makes the copy larger, not broken. */
async function copyItems(
  items: readonly CloneItem[],
  staged: string,
  options: { sync: boolean; signal: AbortSignal | undefined; onProgress: CloneOptions<unknown>["onProgress"] },
): Promise<number> {
  await mkdir(staged);
  const directories = items.filter((i) => i.kind === "directory").map((i) => join(staged, i.name));
  for (const path of directories) await mkdir(path);
  const files = items.filter((i) => i.kind === "file").toSorted((a, b) => Number(b.name === INDEX_FILE) - Number(a.name === INDEX_FILE));
  const count = files.length;
  const atOnce = canSyncAtOnce(count);
  const sizes = new Map<CloneItem, number>();
  if (options.onProgress !== undefined) for (const item of files) sizes.set(item, (await lstat(item.from)).size);
  const totalBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  let bytes = 0;
  const copy = async (item: CloneItem): Promise<void> => {
    await copyItem(item, join(staged, item.name), options.sync && !atOnce);
    options.onProgress?.({ bytes: (bytes += sizes.get(item) ?? 0), totalBytes });
  };
  const first = files.splice(0, 1);
  for (const batch of [first, ...batches(files, PARALLEL)]) {
    throwIfAborted(options.signal);
    await Promise.all(batch.map(copy));
  }
  throwIfAborted(options.signal);
  if (options.sync && atOnce) {
    const copies = items.flatMap((i) => (i.kind === "file" ? join(staged, i.name) : []));
    await syncAtOnce(staged, copies);
  }
  if (options.sync) for (const path of [...directories.toReversed(), staged]) await syncDirectory(path);
  return count;
}

async function copyItem({ from, name }: CloneItem, to: string, sync: boolean): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    if (sync) await syncFile(to);
  } catch (error) {
    throw ioError(error, name);
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } catch (error) {
    // Windows syncs only files that are open for writing, which a read-only blob cannot be.
    if (process.platform !== "win32") throw error;
  } finally {
    await file.close();
  }
}

async function takePlace(staged: string, place: string): Promise<void> {
  try {
    await renameOver(staged, place);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(errnoOf(error) ?? ""))
      throw outputExists(place, "was made by another program meanwhile");
    throw error;
  }
}

/** Removes directories that were made for the target, from the innermost out. */
async function removeEmpty(path: string, last: string): Promise<void> {
  for (let at = path; isInside(last, at); at = dirname(at)) await rmdir(at).catch(() => undefined);
}

function* batches<Item>(items: readonly Item[], size: number): Iterable<readonly Item[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

function outputExists(path: string, why: string): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError("OUTPUT_EXISTS", `${path} ${why}`, { path }, { hint: "Name a directory that is empty or does not exist yet." });
}
