import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { OcilotError } from "./errors.js";
import { errnoOf } from "./io-error.js";
import { TEMP_PREFIX } from "./temp-file.js";

/** A file or directory to be carried: `name` below the layout's root, `from` where its content really is. */
export interface CloneItem {
  readonly name: string;
  readonly from: string;
  readonly kind: "file" | "directory";
}

/**
 * Lists what a clone carries, directories before what is in them. Nothing is left out but ocilot's own temporary files:
 * what cannot be carried is refused. A link is carried as the file or directory inside `root` that it leads to.
 * @throws OcilotError `LINK_OUTSIDE`; file-system errors as they come
 */
export async function listTree(root: string): Promise<CloneItem[]> {
  const items: CloneItem[] = [];
  const linked = new Set<string>();
  await walk(root, "", [root]);
  return items;

  async function walk(directory: string, prefix: string, chain: readonly string[]): Promise<void> {
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (prefix === "" && entry.name.startsWith(TEMP_PREFIX)) continue;
      const name = prefix + entry.name;
      const path = join(directory, entry.name);
      const { from, stats } = entry.isSymbolicLink() ? await follow(path, name) : { from: path, stats: await kindOf(entry, path) };
      if (stats.isFile()) items.push({ name, from, kind: "file" });
      else if (!stats.isDirectory()) throw refused(name, "is not a regular file, directory or link");
      else {
        // Links to directories can form circles, and a few of them can unfold to more than any disk holds.
        if (entry.isSymbolicLink() && (chain.includes(from) || linked.has(from))) {
          throw refused(name, "is a link to a directory that is carried already");
        }
        if (entry.isSymbolicLink()) linked.add(from);
        items.push({ name, from, kind: "directory" });
        await walk(from, `${name}/`, [...chain, from]);
      }
    }
  }

  async function follow(path: string, name: string): Promise<{ from: string; stats: Stats }> {
    const from = await realpath(path).catch((error: unknown) => {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) throw refused(name, "is a link that leads nowhere");
      throw error;
    });
    if (!isInside(root, from)) throw refused(name, "is a link that leads out of the layout");
    return { from, stats: await stat(from) };
  }
}

/** Some file systems do not say in a listing what an entry is. */
async function kindOf(entry: Dirent, path: string): Promise<Pick<Stats, "isFile" | "isDirectory">> {
  return entry.isFile() || entry.isDirectory() ? entry : await lstat(path);
}

/** Tells whether `path` is `root` or below it; both must be real paths. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isOtherDrive(way));
}

function isOtherDrive(way: string): boolean {
  return /^[A-Za-z]:|^\\\\/.test(way) && sep === "\\";
}

function refused(file: string, why: string): OcilotError<"LINK_OUTSIDE"> {
  return new OcilotError(
    "LINK_OUTSIDE",
    `${file} ${why}; it cannot be carried to the new layout`,
    { file },
    { hint: "Remove it, or put the real file in its place." },
  );
}
