import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { MARKER_FILE, canCreateLayout } from "@ocilot/layout";
import { isCreatable, isRepositoryName } from "./repository-name.js";

const MAX_DEPTH = 32;
/** What a tar of a layout may be called; the repository is called so without it. */
export const ARCHIVE_ENDINGS: readonly string[] = [".tar", ".tar.gz", ".tgz", ".tar.zst"];

/**
 * Returns the names of the layouts below a directory, sorted: each by its path, with `/` on every platform. What a killed process
 * left half made is none. Links are not followed, and neither is anything whose name no repository can have.
 */
export async function findLayouts(root: string): Promise<string[]> {
  const names = new Set<string>();
  await walk(root, "", 0);
  return [...names].toSorted();

  async function walk(directory: string, name: string, depth: number): Promise<void> {
    for (const entry of await entriesOf(directory)) {
      const below = name === "" ? entry.name : `${name}/${entry.name}`;
      if (entry.isFile() && entry.name === MARKER_FILE && name !== "") addLayout(directory, name);
      else if (entry.isFile()) addArchive(below);
      else if (entry.isDirectory() && depth < MAX_DEPTH && isRepositoryName(below) && isCreatable(entry.name)) {
        await walk(join(directory, entry.name), below, depth + 1);
      }
    }
  }

  function addLayout(directory: string, name: string): void {
    if (!canCreateLayout(directory)) names.add(name);
  }

  function addArchive(path: string): void {
    const ending = ARCHIVE_ENDINGS.find((e) => path.endsWith(e));
    const name = ending === undefined ? undefined : path.slice(0, -ending.length);
    if (name !== undefined && isRepositoryName(name)) names.add(name);
  }
}

/** A directory that cannot be read, or is gone by now, has nothing to serve. */
async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}
