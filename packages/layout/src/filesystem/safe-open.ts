import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import { OcilotError } from "../errors.js";
import { errnoOf } from "./io-error.js";

const NOFOLLOW: number | undefined = constants.O_NOFOLLOW;
/** Non-blocking: opening a pipe must not wait for its other end. */
const READ: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** The largest file that {@link readExactly} reads, in bytes. For larger ones the extra calls of a full check cost little. */
const EXACT_BYTES = 64 * 1024;

const PIECE_BYTES = 128 * 1024;
let pieces: Buffer | undefined;

/** Which symbolic links in a directory are followed. */
export interface LinkRule {
  /** A real path. Links inside it are followed. */
  readonly root: string;
  /** Follow links that lead out of `root` as well, to regular files. */
  readonly followLinks: boolean;
}

/** An open regular file. */
export interface OpenFile {
  readonly fd: number;
  /** In bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * Opens a regular file for reading. A symbolic link is followed as `rule` says, so that a layout from outside cannot make ocilot read the
 * machine's own files. A pipe, device or directory is refused and never waited for.
 * @throws OcilotError `LINK_OUTSIDE`; file-system errors as they come
 */
export function openInside(rule: LinkRule, path: string): OpenFile {
  const fd = openNoFollow(rule, path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      throw new OcilotError(
        "LINK_OUTSIDE",
        `${path} is not a regular file`,
        { file: path },
        { hint: "Remove it, or put the real file in its place." },
      );
    }
    return { fd, size: stat.size, mtimeMs: stat.mtimeMs };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Reads a whole file, opened as by {@link openInside}.
 * @throws OcilotError `LINK_OUTSIDE`, `LIMIT_EXCEEDED`; file-system errors as they come
 */
export function readInside(rule: LinkRule, path: string, maxBytes: number): { bytes: Uint8Array; mtimeMs: number } {
  const { fd, size, mtimeMs } = openInside(rule, path);
  try {
    if (size > maxBytes) {
      throw new OcilotError("LIMIT_EXCEEDED", `${path}: ${size} bytes are over the limit of ${maxBytes}`, {
        what: "file size",
        limit: maxBytes,
        found: size,
      });
    }
    return { bytes: readFileSync(fd), mtimeMs };
  } finally {
    closeSync(fd);
  }
}

/**
 * Returns true if a file, opened as by {@link openInside}, holds exactly these bytes. Reads piece by piece into one buffer: the memory of a
 * buffer for the whole file would cost more than reading it.
 * @throws OcilotError `LINK_OUTSIDE`; file-system errors as they come
 */
export function holdsBytes(rule: LinkRule, path: string, bytes: Uint8Array): boolean {
  const { fd, size } = openInside(rule, path);
  try {
    if (size !== bytes.length) return false;
    pieces ??= Buffer.allocUnsafeSlow(PIECE_BYTES);
    let at = 0;
    while (at !== size) {
      const end = Math.min(at + PIECE_BYTES, size);
      // Of a file that has become shorter meanwhile the piece is shorter, which is a difference.
      const length = readSync(fd, pieces, 0, end - at, at);
      if (pieces.compare(bytes, at, end, 0, length) !== 0) return false;
      at = end;
    }
    return true;
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads the file at `path` if it has exactly `size` bytes, at most 64 KiB, and is not a link, with as few calls as possible. Does not
 * check what kind of file it is: the caller checks the content by its digest. Returns undefined in every other case.
 * @param memory what the bytes are read into, with room for one more; new memory if none is given
 */
export function readExactly(path: string, size: number, memory?: ReadMemory): Uint8Array | undefined {
  if (NOFOLLOW === undefined || size > EXACT_BYTES) return undefined;
  let fd: number | undefined;
  try {
    fd = openSync(path, READ | NOFOLLOW);
    const bytes = memory?.whole ?? Buffer.allocUnsafe(size + 1);
    // Reading at a position fails for a pipe.
    if (readSync(fd, bytes, 0, size + 1, 0) !== size) return undefined;
    return memory?.start(size) ?? bytes.subarray(0, size);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Memory that file after file is read into: what one holds is gone when the next one is read. */
export class ReadMemory {
  readonly whole: Buffer = Buffer.allocUnsafeSlow(EXACT_BYTES + 1);
  #last: Buffer = this.whole.subarray(0, 0);

  /** Its first bytes. The same object for the same size: files that are alike follow each other. */
  start(size: number): Buffer {
    if (this.#last.length !== size) this.#last = this.whole.subarray(0, size);
    return this.#last;
  }
}

function openNoFollow(rule: LinkRule, path: string): number {
  try {
    if (NOFOLLOW === undefined && lstatSync(path).isSymbolicLink()) return openSync(linkTarget(rule, path), READ);
    return openSync(path, READ | (NOFOLLOW ?? 0));
  } catch (error) {
    if (errnoOf(error) !== "ELOOP") throw error;
    return openSync(linkTarget(rule, path), READ);
  }
}

/**
 * Returns the real path of what `path` leads to.
 * @throws OcilotError `LINK_OUTSIDE` for a link out of the root that `rule` does not follow, and for a circle of links; file-system errors
 * as they come
 */
export function linkTarget({ root, followLinks }: LinkRule, path: string): string {
  const target = realPath(path);
  if (followLinks || target === root || target.startsWith(root.endsWith(sep) ? root : root + sep)) return target;
  throw new OcilotError(
    "LINK_OUTSIDE",
    `${path} is a link that leads out of the layout, to ${target}`,
    { file: path },
    {
      hint: "If you trust what it leads to, copy its content out with: ocilot copy --all --follow-links LAYOUT NEW-DIRECTORY",
    },
  );
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ELOOP") throw error;
    throw new OcilotError(
      "LINK_OUTSIDE",
      `${path} is a link that leads in a circle`,
      { file: path },
      { hint: "Put the real file in its place." },
    );
  }
}
