import type { Dirent, Stats } from "node:fs";
import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { OcilotError } from "../errors.js";
import { errnoOf } from "../filesystem/io-error.js";
import { Pace } from "../filesystem/pace.js";
import { TEMP_PREFIX } from "../filesystem/temp-file.js";

/** A file or directory to be copied. */
export interface CloneItem {
  /** The path below the layout's root. */
  readonly name: string;
  /** Where the content really is. */
  readonly from: string;
  readonly kind: "file" | "directory";
}

/**
 * Lists what a clone copies, each directory before its content. Leaves out ocilot's own temporary files only; anything that cannot be
 * copied is refused. A link is copied as the file or directory inside `root` that it leads to, and with `followLinks` as the regular file
 * outside it.
 * @throws OcilotError `LINK_OUTSIDE`, `ABORTED`; file-system errors as they come
 */
export async function listTree(
  root: string,
  { followLinks, signal }: { readonly followLinks: boolean; readonly signal?: AbortSignal | undefined },
): Promise<CloneItem[]> {
  const items: CloneItem[] = [];
  const linked = new Set<string>();
  const pace = new Pace(signal);
  await walk(root, "", [root]);
  return items;

  async function walk(directory: string, prefix: string, chain: readonly string[]): Promise<void> {
    const entries = await readdir(directory, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (pace.isDue) await pace.rest();
      if (prefix === "" && entry.name.startsWith(TEMP_PREFIX)) continue;
      const name = prefix + entry.name;
      const path = join(directory, entry.name);
      const { from, stats } = entry.isSymbolicLink() ? await follow(path, name) : { from: path, stats: await kindOf(entry, path) };
      if (stats.isFile()) items.push({ name, from, kind: "file" });
      else if (!stats.isDirectory()) throw refused(name, "is not a regular file, directory or link");
      else {
        // Links to directories can form circles, and a few of them can unfold to more than any disk holds.
        if (entry.isSymbolicLink() && (chain.includes(from) || linked.has(from))) {
          throw refused(name, "is a link to a directory that is copied already");
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
    const stats = await stat(from);
    if (isInside(root, from) || (followLinks && stats.isFile())) return { from, stats };
    if (stats.isFile()) throw refused(name, "is a link that leads out of the layout", FOLLOW_HINT);
    throw refused(name, "is a link that leads out of the layout, and not to a file");
  }
}

const FOLLOW_HINT = "If you trust what it leads to, copy its content with --follow-links.";

/** Some file systems do not say in a listing what an entry is. */
async function kindOf(entry: Dirent, path: string): Promise<Pick<Stats, "isFile" | "isDirectory">> {
  return entry.isFile() || entry.isDirectory() ? entry : await lstat(path);
}

/** Returns true if `path` is `root` or below it. Both must be real paths. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isOtherDrive(way));
}

function isOtherDrive(way: string): boolean {
  return /^[A-Za-z]:|^\\\\/.test(way) && sep === "\\";
}

function refused(file: string, why: string, hint = "Remove it, or put the real file in its place."): OcilotError<"LINK_OUTSIDE"> {
  return new OcilotError("LINK_OUTSIDE", `${file} ${why}; it cannot be copied to the new layout`, { file }, { hint });
}
