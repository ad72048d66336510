import { type BigIntStats, lstatSync, realpathSync, statSync } from "node:fs";

/** A file's identity and what a listing needs of it. */
export interface IdentifiedFile {
  readonly identity: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * Returns the identity of the regular file at `path`, links followed: device and inode, or the real path where the file system
 * numbers no files. Undefined if `path` leads to something else.
 * @throws file-system errors as they come
 */
export function identifyFile(path: string): IdentifiedFile | undefined {
  return identified(path, statSync(path, { bigint: true }));
}

/** As {@link identifyFile}, with one call where `path` is no link; `"link"` where it is one. @throws file-system errors as they come */
export function identifyUnlinked(path: string): IdentifiedFile | "link" | undefined {
  const stats = lstatSync(path, { bigint: true });
  return stats.isSymbolicLink() ? "link" : identified(path, stats);
}

function identified(path: string, stats: BigIntStats): IdentifiedFile | undefined {
  if (!stats.isFile()) return undefined;
  return { identity: identityOf(path, stats), size: Number(stats.size), mtimeMs: Number(stats.mtimeMs) };
}

/** Returns the identity of a file or directory from its status. Numbers are exact: inodes of NTFS and some network volumes need 64 bits. */
export function identityOf(path: string, stats: BigIntStats): string {
  return stats.ino === 0n ? realpathSync(path) : `${stats.dev}:${stats.ino}`;
}

/** Returns the identity of a directory, links followed, or undefined if there is none. */
export function identifyDirectory(path: string): string | undefined {
  try {
    const stats = statSync(path, { bigint: true });
    return stats.isDirectory() ? identityOf(path, stats) : undefined;
  } catch {
    return undefined;
  }
}
