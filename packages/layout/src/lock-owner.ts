import { createHash } from "node:crypto";
import { link, lstat, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renameOver } from "./atomic-write.js";
import { errnoOf } from "./io-error.js";
import { readInside } from "./safe-open.js";
import { isAlive, processStart, tempName } from "./temp-file.js";

/** Who holds a lock. `started` tells a reused pid apart. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  readonly started?: string;
  readonly nonce: string;
}

/** The real file has 200 bytes or so. */
const MAX_OWNER_BYTES = 4096;
/** What file systems without hard links answer: FAT, some network and container volumes. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EINVAL", "EISDIR", "UNKNOWN"]);

/** Creates a file that holds the owner, whole or not at all; false if one of that name is there. */
export async function createOwned(root: string, name: string, owner: Owner): Promise<boolean> {
  const path = join(root, name);
  const temp = join(root, tempName());
  try {
    await writeFile(temp, JSON.stringify(owner), { flag: "wx" });
    await link(temp, path);
    return true;
  } catch (error) {
    // A network file system that repeats a request finds its own link in the way.
    if (errnoOf(error) === "EEXIST") return (await readOwner(root, name))?.nonce === owner.nonce;
    if (!NO_LINKS.has(errnoOf(error) ?? "")) throw error;
    return await createWithoutLinks(path, owner);
  } finally {
    await rm(temp, { force: true }).catch(() => undefined);
  }
}

/** A crash between creation and content leaves an owner that only age removes. */
async function createWithoutLinks(path: string, owner: Owner): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(owner), { flag: "wx" });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Puts the owner's file over the one that is there, in one step. */
export async function replaceOwned(root: string, name: string, owner: Owner): Promise<void> {
  const temp = join(root, tempName());
  try {
    await writeFile(temp, JSON.stringify(owner), { flag: "wx" });
    await renameOver(temp, join(root, name));
  } catch (error) {
    await rm(temp, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** The owner that a file names, or undefined if there is no such file. */
export async function readOwner(root: string, name: string): Promise<Owner | undefined> {
  let file: { bytes: Uint8Array; mtimeMs: number };
  try {
    file = readInside(root, join(root, name), MAX_OWNER_BYTES);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  const text = Buffer.from(file.bytes).toString("utf8");
  try {
    const owner: unknown = JSON.parse(text);
    if (isOwner(owner)) return owner;
  } catch {
    // Handled as any content that names nobody.
  }
  // Not written by ocilot, or cut short: nobody knows its owner, and only age removes it. It still needs a nonce of its
  // own, or two such files would follow each other in a circle.
  const nonce = createHash("sha256").update(`${name}\n${file.mtimeMs}\n${text}`).digest("hex").slice(0, 24);
  return { host: "", pid: 0, nonce };
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== "object" || value === null) return false;
  const { host, pid, started, nonce } = value as Record<string, unknown>;
  if (typeof host !== "string" || host === "" || !Number.isSafeInteger(pid) || (pid as number) <= 0) return false;
  return (started === undefined || typeof started === "string") && typeof nonce === "string" && /^[0-9a-f]{1,64}$/.test(nonce);
}

/** Tells whether the owner of a file will never let it go. */
export async function isDead(root: string, name: string, owner: Owner, host: string, stale: number): Promise<boolean> {
  if (owner.host === host) {
    if (!isAlive(owner.pid)) return true;
    // Where /proc hides the processes of others, nothing tells a reused pid, and the owner counts as alive.
    const started = processStart(owner.pid);
    return owner.started !== undefined && started !== undefined && started !== owner.started;
  }
  const there = await lstat(join(root, name)).catch(() => undefined);
  return there !== undefined && Date.now() - there.mtimeMs > stale;
}
