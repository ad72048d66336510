import { lstatSync, readdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { identifyDirectory } from "../filesystem/file-identity.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { makeDirectory } from "../filesystem/make-directory.js";
import { type LinkRule, linkTarget } from "../filesystem/safe-open.js";
import { type Digest, isDigest, splitDigest } from "../spec/digest.js";

/** The directories `blobs` and `blobs/<algorithm>` of a layout. They may be links: to a place in the layout, or as the rule allows. */
export class BlobDirectories {
  readonly #rule: LinkRule;
  readonly #readable: Set<string> = new Set();
  readonly #writable: Set<string> = new Set();

  constructor(rule: LinkRule) {
    this.#rule = rule;
  }

  /** Checks where a directory leads to before reading from it. @throws OcilotError `LINK_OUTSIDE`; file-system errors as they come */
  check(directory: string): void {
    if (this.#readable.has(directory)) return;
    linkTarget(this.#rule, directory);
    this.#readable.add(directory);
  }

  /** Returns true if {@link check} has passed for the directory. */
  isChecked(directory: string): boolean {
    return this.#readable.has(directory);
  }

  /** As {@link check}, before writing: nothing is written behind a link out of the layout, whatever may be read there. */
  checkWritable(directory: string): void {
    if (this.#writable.has(directory)) return;
    linkTarget({ root: this.#rule.root, followLinks: false }, directory);
    this.#writable.add(directory);
  }

  /**
   * Returns true if the same file also has the name of another digest, because the directories of two algorithms are one (a link, a bind
   * mount, names that differ only in case).
   */
  isAliased(digest: Digest): boolean {
    const { algorithm, encoded } = splitDigest(digest);
    const blobs = join(this.#rule.root, "blobs");
    const own = identifyDirectory(join(blobs, algorithm));
    if (own === undefined) return false;
    return readdirSync(blobs).some(
      (other) => other !== algorithm && isDigest(`${other}:${encoded}`) && identifyDirectory(join(blobs, other)) === own,
    );
  }

  /** Makes `blobs/<algorithm>` if it does not exist. Returns the directories that got a new name by that, which are to be synced. */
  async ensure(directory: string): Promise<string[]> {
    const changed: string[] = [];
    // `blobs` first: behind a link that leads outside, not even a directory is made.
    for (const path of [dirname(directory), directory]) {
      const isNew = !exists(path);
      if (isNew) makeDirectory(path);
      this.checkWritable(path);
      if (isNew) changed.push(dirname(path));
    }
    return changed;
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Returns the names in a directory; none if it does not exist. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return [];
    throw ioError(error, directory);
  }
}
