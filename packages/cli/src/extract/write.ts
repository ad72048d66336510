import { randomBytes } from "node:crypto";
import { constants, createWriteStream } from "node:fs";
import { copyFile, link, lstat, mkdir, realpath, rm, rmdir } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { type BlobReader, OcilotError, errnoOf, makeDirectory, renameOver } from "@ocilot/layout";
import type { PlannedFile } from "./names.js";

/** How files are written. */
export interface WriteFilesOptions {
  /** Replace files that are there. */
  force: boolean;
  signal: AbortSignal;
  /** Called with the bytes written of all files, and the size of their layers as stored. */
  onProgress?: (event: { readonly bytes: number; readonly totalBytes: number }) => void;
}

/**
 * Writes layers as files below `directory`: each whole under a temporary name first, so that damaged or missing content
 * leaves nothing behind. Links in the directory are not followed. Returns the paths.
 * @throws OcilotError `OUTPUT_EXISTS`, `UNSAFE_NAME`, and what reading blobs throws
 */
export async function writeFiles(
  blobs: BlobReader,
  files: readonly PlannedFile[],
  directory: string,
  { force, signal, onProgress }: WriteFilesOptions,
): Promise<string[]> {
  const made: string[] = [];
  const first = makeRoot(directory);
  const root = await realpath(directory);
  if (first !== undefined) for (let at = root; ; at = dirname(at)) if (made.push(at) && at === (await realpath(first))) break;
  const staging = join(root, `.ocilot-tmp-${process.pid}-${randomBytes(6).toString("hex")}`);
  const placed: string[] = [];
  let isDone = false;
  try {
    for (const file of files) await checkPlace(root, file.name, force);
    await mkdir(staging, { mode: 0o700 });
    const totalBytes = files.reduce((sum, { layer }) => sum + layer.size, 0);
    let bytes = 0;
    const counted = async function* (chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        yield chunk;
        onProgress?.({ bytes: (bytes += chunk.length), totalBytes });
      }
    };
    for (const [i, { layer, open }] of files.entries()) {
      const content = open === undefined ? await blobs.open(layer) : await open();
      const chunks = counted(content instanceof Uint8Array ? [content] : content);
      await pipeline(chunks, createWriteStream(join(staging, String(i)), { flags: "wx" }), { signal });
    }
    for (const [i, { name }] of files.entries()) {
      made.unshift(...(await makeParents(root, name)));
      const path = join(root, ...name.split("/"));
      await place(join(staging, String(i)), path, force);
      placed.push(path);
    }
    isDone = true;
    return files.map(({ name }) => join(directory, ...name.split("/")));
  } finally {
    await rm(staging, { recursive: true, force: true });
    // What --force replaced cannot come back, so that then the new files stay.
    if (!isDone && !force) for (const path of placed) await rm(path, { force: true });
    if (!isDone) for (const path of made) await rmdir(path).catch(() => undefined);
  }
}

/** Returns the first directory that it made, if any. */
function makeRoot(directory: string): string | undefined {
  try {
    return makeDirectory(directory);
  } catch (error) {
    if (["EEXIST", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw exists(directory, "is not a directory");
    throw error;
  }
}

/** Every directory on the way must be a real one, and the file not there yet. */
async function checkPlace(root: string, name: string, force: boolean): Promise<void> {
  const parts = name.split("/");
  let at = root;
  for (const [i, part] of parts.entries()) {
    at += sep + part;
    const there = await lstat(at).catch(ifMissing);
    if (there === undefined) return;
    if (i < parts.length - 1) {
      if (there.isSymbolicLink()) throw exists(at, "is a link, which is not followed");
      if (!there.isDirectory()) throw exists(at, "is not a directory");
    } else if (there.isDirectory()) throw exists(at, "is a directory");
    else if (!force) throw exists(at, "is there already");
  }
}

async function makeParents(root: string, name: string): Promise<string[]> {
  const made: string[] = [];
  let at = root;
  for (const part of name.split("/").slice(0, -1)) {
    at += sep + part;
    try {
      await mkdir(at);
      made.unshift(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (!(await lstat(at)).isDirectory()) throw exists(at, "is not a directory");
    }
  }
  return made;
}

/** Under its name in one step, and never over a file that came in meanwhile. */
async function place(temp: string, path: string, force: boolean): Promise<void> {
  if (force) return await renameOver(temp, path);
  try {
    await link(temp, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw error;
      // Not every file system has hard links.
      await copyFile(temp, path, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw exists(path, "is there already");
    throw error;
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}

function exists(path: string, why: string): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError(
    "OUTPUT_EXISTS",
    `${path} ${why}; nothing was written`,
    { path },
    { hint: "Name another directory with --output, or replace files with --force." },
  );
}
