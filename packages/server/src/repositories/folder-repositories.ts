import { type Stats, lstatSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { Layout, MARKER_FILE, canCreateLayout, openArchive } from "@ocilot/layout";
import { RegistryError } from "../protocol/registry-error.js";
import { ARCHIVE_ENDINGS, findLayouts } from "./find-layouts.js";
import { FileIdentity } from "./index-identity.js";
import type { Repositories } from "./repositories.js";
import { isCreatable } from "./repository-name.js";
import { Repository, type RepositoryOptions } from "./repository.js";

/** How the layouts of a folder are opened. */
export interface FolderOptions extends Pick<RepositoryOptions, "lockWait" | "onCommit"> {
  readonly sync: boolean;
}

/** How long a listing of the folder serves, in milliseconds. */
const LISTING_MS = 1000;

/**
 * A folder in which each layout is a repository, named by its path. Names are checked before they come here, so that they hold
 * no `..`; and whatever a link makes of them must still lie in the folder.
 */
export class FolderRepositories implements Repositories {
  readonly location: string;
  readonly #root: string;
  readonly #options: FolderOptions;
  readonly #opened: Map<string, Promise<Repository>> = new Map();
  readonly #ready: Set<Repository> = new Set();
  #listing: { readonly names: Promise<readonly string[]>; readonly until: number } | undefined;

  /** @param root a real path */
  constructor(root: string, options: FolderOptions) {
    this.location = root;
    this.#root = root;
    this.#options = options;
  }

  async find(name: string): Promise<Repository | undefined> {
    const known = this.#opened.get(name);
    if (known !== undefined) {
      const repository = await known;
      if (isThere(repository)) return repository;
      this.#opened.delete(name);
      this.#ready.delete(repository);
    }
    const path = this.#locate(name);
    if (path === undefined) return undefined;
    // Another request may have been faster.
    const opening = this.#opened.get(name) ?? this.#open(name, path);
    this.#opened.set(name, opening);
    try {
      return await opening;
    } catch (error) {
      this.#opened.delete(name);
      throw error;
    }
  }

  async obtain(name: string): Promise<Repository> {
    const there = await this.find(name);
    if (there !== undefined) return there;
    if (!isCreatable(name))
      throw new RegistryError("NAME_INVALID", `${name}: a part of the name is that of a file of a layout, or of a device`);
    const path = join(this.#root, name);
    if (!this.#isInside(path)) throw new RegistryError("DENIED", `${name} leads out of the folder`);
    await Layout.create(path, { sync: this.#options.sync }).catch((error: unknown) => {
      // Another request may have made it meanwhile; if not, the find below has nothing.
      if (this.#locate(name) === undefined) throw error;
    });
    this.#listing = undefined;
    const made = await this.find(name);
    if (made === undefined) throw new RegistryError("NAME_UNKNOWN", "repository not found");
    return made;
  }

  async names(): Promise<readonly string[]> {
    if (this.#listing === undefined || this.#listing.until < Date.now()) {
      this.#listing = { names: findLayouts(this.#root), until: Date.now() + LISTING_MS };
    }
    return await this.#listing.names;
  }

  *opened(): Iterable<Repository> {
    for (const repository of this.#ready) yield repository;
  }

  async close(): Promise<void> {
    for (const opening of this.#opened.values()) await (await opening.catch(() => undefined))?.close();
  }

  async #open(name: string, path: string): Promise<Repository> {
    const isArchive = look(path)?.isFile() === true;
    const { sync, ...rest } = this.#options;
    const layout = isArchive ? await openArchive(path) : await Layout.open(path, { sync });
    const place = isArchive ? { identity: new FileIdentity(path) } : { directory: path, identity: FileIdentity.ofIndex(path) };
    const repository = new Repository(name, layout, { isWritable: !isArchive, ...place, ...rest });
    this.#ready.add(repository);
    return repository;
  }

  /** Where the layout of that name is; a directory comes before an archive. */
  #locate(name: string): string | undefined {
    const path = join(this.#root, name);
    if (isCreatable(name) && isLayout(path) && this.#isInside(path)) return path;
    return ARCHIVE_ENDINGS.map((ending) => path + ending).find((file) => look(file)?.isFile() === true && this.#isInside(file));
  }

  /** Tells whether the deepest part of a path that exists lies in the folder, links followed. */
  #isInside(path: string): boolean {
    for (let at = path; at.length >= this.#root.length; at = at.slice(0, at.lastIndexOf(sep))) {
      if (look(at) === undefined) continue;
      try {
        const real = realpathSync(at);
        return real === this.#root || real.startsWith(this.#root + sep);
      } catch {
        return false;
      }
    }
    return false;
  }
}

function isThere({ directory }: Repository): boolean {
  return directory === undefined || look(join(directory, MARKER_FILE)) !== undefined;
}

/** What a killed process left half made is no layout; the next push completes it. */
function isLayout(path: string): boolean {
  return look(join(path, MARKER_FILE))?.isFile() === true && !canCreateLayout(path);
}

/** What is at a path; undefined where nothing is, or nothing can be. */
function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
