import { lstatSync, readFileSync, readdirSync, rmdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { TEMP_PREFIX } from "../filesystem/temp-file.js";
import { INDEX_FILE } from "../spec/index-snapshot.js";
import { EMPTY_INDEX, MARKER_FILE } from "../spec/layout-marker.js";

/**
 * Removes a layout into which nothing has come: for a command that made it and then failed. Blobs, entries, the beginning of a download and
 * foreign files keep it. Returns whether it was removed; a file system that refuses is no error.
 * @param options `keepDirectory`: the directory itself was there before
 * @internal Exported for the sibling packages, which remove a layout that they made before they failed.
 */
export async function removeEmptyLayout(path: string, options: { readonly keepDirectory?: boolean } = {}): Promise<boolean> {
  const { keepDirectory = false } = options;
  try {
    const names = readdirSync(path);
    if (!names.every((name) => isEmpty(path, name))) return false;
    // Without its marker it is a layout to nobody, so this comes first; a crash leaves what `Layout.create` completes.
    await rm(join(path, MARKER_FILE), { force: true });
    for (const name of names) if (name !== MARKER_FILE && name !== "blobs") await rm(join(path, name), { force: true });
    for (const directory of ["blobs/sha256", "blobs"]) if (isThere(join(path, directory))) rmdirSync(join(path, directory));
    if (!keepDirectory) rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function isEmpty(path: string, name: string): boolean {
  const file = join(path, name);
  if (name === MARKER_FILE) return true;
  if (name === INDEX_FILE) return readFileSync(file, "utf8") === EMPTY_INDEX;
  if (name.startsWith(TEMP_PREFIX)) return lstatSync(file).isFile() && lstatSync(file).size === 0;
  return (
    name === "blobs" && readdirSync(file).every((algorithm) => algorithm === "sha256" && readdirSync(join(file, algorithm)).length === 0)
  );
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
