import { constants } from "node:fs";
import { copyFile, lstat, mkdir, open, readdir, realpath, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { renameOver, syncDirectory } from "./atomic-write.js";
import { type CloneItem, isInside, listTree } from "./clone-tree.js";
import { OcilotError } from "./errors.js";
import { INDEX_FILE } from "./index-snapshot.js";
import { errnoOf, ioError, throwIfAborted } from "./io-error.js";
import type { Layout } from "./layout.js";
import { MARKER_FILE } from "./layout-marker.js";
import { canSyncAtOnce, syncAtOnce } from "./sync-at-once.js";
import { TEMP_PREFIX, tempName } from "./temp-file.js";
import { unpackLayout } from "./unpack.js";

/** Copies under way at once; the work is the kernel's, so that more would only fill its queues. */
const PARALLEL = 16;

/** How a layout is cloned. */
export interface CloneOptions<T> {
  /** Works on the copy before anybody can see it as a layout; if it throws, nothing is left behind. */
  finish?: (staged: string) => Promise<T>;
  /** `false` trades safety against a power cut for speed; true unless told. */
  sync?: boolean;
  signal?: AbortSignal;
}

/** What a clone gave: how many files were carried, and what `finish` returned. */
export interface CloneResult<T> {
  readonly files: number;
  readonly result: T | undefined;
}

/**
 * Copies a layout directory to `target`, which must be empty or not be there, with every file, referenced or not; or all
 * that an open archive holds. The source is only read. The copy is made beside its place under a temporary name: `target` is not a layout until it is
 * whole. Blocks are shared with the source where the file system can; modes are kept.
 * @throws OcilotError `PATH_NOT_FOUND`, `OUTPUT_EXISTS`, `WRITE_REFUSED`, `LINK_OUTSIDE`, `ABORTED`, `IO_ERROR`, and what
 * `finish` throws
 */
export async function cloneLayout<T = void>(
  source: string | Layout,
  target: string,
  options: CloneOptions<T> = {},
): Promise<CloneResult<T>> {
  const { sync = true, signal } = options;
  const root = typeof source === "string" ? await realSource(source) : undefined;
  const { place, exists } = await checkTarget(root, target);
  let madeParent: string | undefined;
  let staged: string | undefined;
  try {
    // Listed first: what is refused is refused before anything is written.
    const items = root === undefined ? [] : await listTree(root);
    madeParent = exists ? undefined : await mkdir(dirname(place), { recursive: true });
    staged = join(exists ? place : dirname(place), tempName());
    const files =
      typeof source === "string" ? await copyItems(items, staged, { sync, signal }) : await unpackLayout(source, staged, { sync, signal });
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

/** Where the target really is, and whether it is there (empty) already. */
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
  const names = await readdir(place).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    if (errnoOf(error) === "ENOTDIR") throw outputExists(target, "is not a directory");
    throw ioError(error, target);
  });
  if (names !== undefined && names.length > 0) throw outputExists(target, "is not empty");
  return { place, exists: names !== undefined };
}

/** The real path of what is there, and the rest of the name behind it. */
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

/** The index goes first: what it names was there before it, so that a writer in between makes the copy larger, not broken. */
async function copyItems(
  items: readonly CloneItem[],
  staged: string,
  options: { sync: boolean; signal: AbortSignal | undefined },
): Promise<number> {
  await mkdir(staged);
  const directories = items.filter((i) => i.kind === "directory").map((i) => join(staged, i.name));
  for (const path of directories) await mkdir(path);
  const files = items.filter((i) => i.kind === "file").toSorted((a, b) => Number(b.name === INDEX_FILE) - Number(a.name === INDEX_FILE));
  const count = files.length;
  const atOnce = canSyncAtOnce(count);
  const first = files.splice(0, 1);
  for (const batch of [first, ...batches(files, PARALLEL)]) {
    throwIfAborted(options.signal);
    await Promise.all(batch.map((item) => copyItem(item, join(staged, item.name), options.sync && !atOnce)));
  }
  throwIfAborted(options.signal);
  if (options.sync && atOnce)
    await syncAtOnce(
      staged,
      items.flatMap((i) => (i.kind === "file" ? join(staged, i.name) : [])),
    );
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
    // Windows syncs only what is open for writing, which a read-only blob cannot be.
    if (process.platform !== "win32") throw error;
  } finally {
    await file.close();
  }
}

/** Into a directory that is there: `oci-layout` comes last and makes it a layout. */
async function moveInto(staged: string, place: string): Promise<void> {
  const names = (await readdir(staged)).filter((name) => !name.startsWith(TEMP_PREFIX));
  const moved: string[] = [];
  try {
    for (const name of names.toSorted((a, b) => rank(a) - rank(b))) {
      await renameOver(join(staged, name), join(place, name));
      moved.push(name);
    }
    await rm(staged, { recursive: true, force: true });
  } catch (error) {
    for (const name of moved) await rm(join(place, name), { recursive: true, force: true });
    throw error;
  }
}

function rank(name: string): number {
  return name === MARKER_FILE ? 2 : name === INDEX_FILE ? 1 : 0;
}

async function takePlace(staged: string, place: string): Promise<void> {
  try {
    await renameOver(staged, place);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw outputExists(place, "was made meanwhile");
    throw error;
  }
}

/** Takes back directories that were made for the target, from the innermost out. */
async function removeEmpty(path: string, last: string): Promise<void> {
  for (let at = path; isInside(last, at); at = dirname(at)) await rmdir(at).catch(() => undefined);
}

function* batches<Item>(items: readonly Item[], size: number): Iterable<readonly Item[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

function outputExists(path: string, why: string): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError("OUTPUT_EXISTS", `${path} ${why}`, { path }, { hint: "Name a directory that is empty or does not exist yet." });
}
