import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { link, lstat, lutimes, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renameOver } from "../filesystem/rename-over.js";
import type { FileSystemClock } from "../filesystem/clock.js";
import { errnoOf } from "../filesystem/io-error.js";
import { readInside } from "../filesystem/safe-open.js";
import { isRecord } from "../spec/guards.js";
import { hostTag, isAlive, processStart, tempName } from "../filesystem/temp-file.js";

/** The process that holds a lock. `started` distinguishes it from a later process with the same pid. */
export interface Owner {
  /** A host id, or `#` and its tag. */
  readonly host: string;
  readonly pid: number;
  readonly started?: string;
  readonly nonce: string;
}

/** The largest owner file that is read, in bytes. Real ones have about 200. */
const MAX_OWNER_BYTES = 4096;
/** Errors of file systems without hard links: FAT, some network and container volumes. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EINVAL", "EISDIR", "UNKNOWN"]);
/** Errors of a full disk, on which a garbage collection must still get the lock. */
const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);
/** A modification time so far ahead of the file system's clock, in milliseconds, is the mistake of another clock. */
const FUTURE_MS = 2000;

/** Creates a file that names the owner, complete or not at all. Returns false if a file of that name exists. */
export async function createOwned(root: string, name: string, owner: Owner): Promise<boolean> {
  const path = join(root, name);
  const temp = join(root, tempName());
  try {
    await writeFile(temp, JSON.stringify(owner), { flag: "wx" });
    await link(temp, path);
    return true;
  } catch (error) {
    const errno = errnoOf(error) ?? "";
    // A network file system that repeats a request finds the link that it has made.
    if (errno === "EEXIST") return (await readOwner(root, name))?.nonce === owner.nonce;
    if (NO_SPACE.has(errno)) return await createAsLink(path, owner, error);
    if (!NO_LINKS.has(errno)) throw error;
    return await createWithoutLinks(path, owner);
  } finally {
    await rm(temp).catch(() => undefined);
  }
}

/** A crash between creation and content leaves a file that names nobody, which only its age removes. */
async function createWithoutLinks(path: string, owner: Owner): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(owner), { flag: "wx" });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** On a full disk: file systems keep the target of a short symbolic link in its inode, so this needs no free block. */
async function createAsLink(path: string, owner: Owner, noSpace: unknown): Promise<boolean> {
  try {
    await symlink(linkText(owner), path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw noSpace;
  }
}

/** Replaces a file by one that names the owner, in one step. */
export async function replaceOwned(root: string, name: string, owner: Owner): Promise<void> {
  const temp = join(root, tempName());
  try {
    try {
      await writeFile(temp, JSON.stringify(owner), { flag: "wx" });
    } catch (error) {
      if (!NO_SPACE.has(errnoOf(error) ?? "")) throw error;
      await rm(temp, { force: true });
      await createAsLink(temp, owner, error);
    }
    await renameOver(temp, join(root, name));
  } catch (error) {
    await rm(temp).catch(() => undefined);
    throw error;
  }
}

/** Returns the owner that a file names, or undefined if there is no such file. */
export async function readOwner(root: string, name: string): Promise<Owner | undefined> {
  let file: { bytes: Uint8Array; mtimeMs: number };
  try {
    file = readInside({ root, followLinks: false }, join(root, name), MAX_OWNER_BYTES);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return ownerOfLink(join(root, name));
    throw error;
  }
  const text = Buffer.from(file.bytes).toString("utf8");
  try {
    const owner: unknown = JSON.parse(text);
    if (isOwner(owner)) return owner;
  } catch {
    // Treated like any content that names nobody.
  }
  // Not written by ocilot, or cut short: the owner is unknown, and only its age removes the file. It needs a nonce of its own, or two such
  // files would follow each other in a circle.
  const nonce = createHash("sha256").update(`${name}\n${file.mtimeMs}\n${text}`).digest("hex");
  return { host: "", pid: 0, nonce };
}

/** At most 59 bytes: what ext4 keeps in an inode. */
function linkText({ host, pid, started = "", nonce }: Owner): string {
  return `o:${hostTag(host)}-${pid}-${started}-${nonce}`;
}

function ownerOfLink(path: string): Owner | undefined {
  let text: string;
  try {
    text = readlinkSync(path);
  } catch {
    return undefined;
  }
  const [, tag, pid, started, nonce] = /^o:([0-9a-f]{8})-([1-9]\d{0,9})-(\d*)-([0-9a-f]{1,64})$/.exec(text) ?? [];
  if (nonce === undefined) return undefined;
  return { host: `#${tag}`, pid: Number(pid), ...(started !== "" && { started: started! }), nonce };
}

function isOwner(value: unknown): value is Owner {
  if (!isRecord(value)) return false;
  const { host, pid, started, nonce } = value;
  if (typeof host !== "string" || host === "" || !Number.isSafeInteger(pid) || (pid as number) <= 0) return false;
  return (started === undefined || typeof started === "string") && typeof nonce === "string" && /^[0-9a-f]{1,64}$/.test(nonce);
}

/** Returns true if the owner is a process of `host`, whose pid can be looked up here. */
export function isOwnerOf(host: string, owner: Owner): boolean {
  return owner.host === host || owner.host === `#${hostTag(host)}`;
}

/**
 * Returns true if the owner of a file will never release it: its process on `host` has ended, or an owner elsewhere has not renewed the
 * file for `stale` milliseconds. Both times come from the file system's clock. A time in the future comes from another clock and would
 * keep the lock for ever: it is set to now, so that the file gets old from here on.
 */
export async function isDead(
  root: string,
  name: string,
  owner: Owner,
  { host, stale, clock }: { readonly host: string; readonly stale: number; readonly clock: FileSystemClock },
): Promise<boolean> {
  if (isOwnerOf(host, owner)) {
    if (!isAlive(owner.pid)) return true;
    // Where /proc hides the processes of others, a reused pid is not recognized, and the owner counts as alive.
    const started = processStart(owner.pid);
    return owner.started !== undefined && started !== undefined && started !== owner.started;
  }
  const path = join(root, name);
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return false;
  const age = clock.now() - stats.mtimeMs;
  if (age < -FUTURE_MS) await renew(path, clock);
  return age > stale;
}

/** Sets the time of an owner's file to now by the file system's clock. A file that is gone is no error. */
export async function renew(path: string, clock: FileSystemClock): Promise<void> {
  const seconds = clock.now() / 1000;
  await lutimes(path, seconds, seconds).catch(() => undefined);
}
