import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import { OcilotError } from "./errors.js";
import { errnoOf } from "./io-error.js";

const NOFOLLOW: number | undefined = constants.O_NOFOLLOW;
const READ: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** What {@link readExactly} reads; more is worth the calls that say what is wrong with it. */
const EXACT_BYTES = 64 * 1024;
const scratch: Buffer = Buffer.allocUnsafeSlow(EXACT_BYTES + 1);

/**
 * Opens a regular file of a layout for reading. A symbolic link is followed only to a place inside `root` (which must
 * be a real path), so that a layout from outside cannot make ocilot read the machine's own files; a pipe or a device
 * is refused and never waited for.
 * @throws OcilotError `LINK_OUTSIDE`; file-system errors as they come
 */
export function openInside(root: string, path: string): { fd: number; size: number; mtimeMs: number } {
  const fd = openNoFollow(root, path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile())
      throw new OcilotError(
        "LINK_OUTSIDE",
        `${path} is not a regular file`,
        { file: path },
        { hint: "Remove it, or put the real file in its place." },
      );
    return { fd, size: stat.size, mtimeMs: stat.mtimeMs };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Reads a small file of a layout whole, as {@link openInside} opens it.
 * @throws OcilotError `LINK_OUTSIDE`, `LIMIT_EXCEEDED`; file-system errors as they come
 */
export function readInside(root: string, path: string, maxBytes: number): { bytes: Uint8Array; mtimeMs: number } {
  const { fd, size, mtimeMs } = openInside(root, path);
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
 * Reads what stands at `path` if it is up to 64 KiB, exactly `size` bytes long, and no link, in as few calls as there are. What
 * kind of file it is, it does not ask: the caller knows the content by its digest. Undefined says nothing of why not.
 */
export function readExactly(path: string, size: number): Uint8Array | undefined {
  if (NOFOLLOW === undefined || size > EXACT_BYTES) return undefined;
  let fd: number | undefined;
  try {
    fd = openSync(path, READ | NOFOLLOW);
    // From a position, which a pipe does not have.
    return readSync(fd, scratch, 0, size + 1, 0) === size ? Buffer.from(scratch.subarray(0, size)) : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function openNoFollow(root: string, path: string): number {
  try {
    if (NOFOLLOW === undefined && lstatSync(path).isSymbolicLink()) return openSync(insideTarget(root, path), READ);
    return openSync(path, READ | (NOFOLLOW ?? 0));
  } catch (error) {
    if (errnoOf(error) !== "ELOOP") throw error;
    return openSync(insideTarget(root, path), READ);
  }
}

/** The real path of what `path` links to. @throws OcilotError `LINK_OUTSIDE` */
export function insideTarget(root: string, path: string): string {
  const target = realpathSync(path);
  if (target === root || target.startsWith(root.endsWith(sep) ? root : root + sep)) return target;
  throw new OcilotError(
    "LINK_OUTSIDE",
    `${path} is a link that leads out of the layout`,
    { file: path },
    {
      hint: "Copy the real file into its place if you trust it.",
    },
  );
}
