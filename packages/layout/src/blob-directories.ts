import { lstatSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, ioError } from "./io-error.js";
import { insideTarget } from "./safe-open.js";

/** `blobs` and `blobs/<algorithm>`, which may be links themselves and then must stay inside `root`, a real path. */
export class BlobDirectories {
  readonly #root: string;
  readonly #checked: Set<string> = new Set();

  constructor(root: string) {
    this.#root = root;
  }

  /** @throws OcilotError `LINK_OUTSIDE`; file-system errors as they come */
  check(directory: string): void {
    if (this.#checked.has(directory)) return;
    insideTarget(this.#root, directory);
    this.#checked.add(directory);
  }

  /** Tells whether {@link check} has passed it. */
  isChecked(directory: string): boolean {
    return this.#checked.has(directory);
  }

  /** Makes `blobs/<algorithm>` if it is not there, and returns the directories that got a new name by that. */
  async ensure(directory: string): Promise<string[]> {
    const changed: string[] = [];
    // `blobs` before what is in it: behind a link that leads outside, not even a directory may be made.
    for (const path of [dirname(directory), directory]) {
      const isNew = !isThere(path);
      if (isNew) await mkdir(path, { recursive: true });
      this.check(path);
      if (isNew) changed.push(dirname(path));
    }
    return changed;
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** The names in a directory; none if it is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return [];
    throw ioError(error, directory);
  }
}
