import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readFile, readdir, rename, rm, rmdir, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcilotError } from "./errors.js";
import { errnoOf, ioError, throwIfAborted } from "./io-error.js";
import { HOST_ID, TEMP_PREFIX, isAlive, processStart, tempName } from "./temp-file.js";

/** The lock of a layout, while it is held. */
export interface Lock {
  /** @throws OcilotError `LOCK_LOST` if another host took it over while this process was suspended */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

/** Who holds a lock. `started` tells a reused pid apart. */
interface Owner {
  readonly host: string;
  readonly pid: number;
  readonly started?: string;
  readonly nonce: string;
}

export interface LockOptions {
  /** Milliseconds to wait for another owner. */
  wait: number;
  signal?: AbortSignal | undefined;
  /** For tests: who this process claims to be. */
  host?: string;
  /** Milliseconds without a heartbeat after which an owner on another host counts as dead. */
  stale?: number;
}

const LOCK = `${TEMP_PREFIX}lock`;
/** BuildKit's own lock. It is a file there; ours is a directory, which makes BuildKit fail closed. */
const BUILDKIT_LOCK = "index.json.lock";
const STALE_MS = 60_000;
const HEARTBEAT_MS = 10_000;

/**
 * Takes the lock of the layout in `root`, waiting for an owner that lives.
 *
 * A lock is a file that names its owner and a nonce, put in place by `link`, which fails if one is there. The lock of
 * a dead owner with nonce N passes to whoever creates `….after-N`, which only one process ever can; it owns the lock
 * only if the lock still bears N once that file is there, and then puts its own lock over the dead one. So a takeover
 * is won by exactly one process, and a crash in the middle of one leaves a file that is taken over in the same way.
 * @throws OcilotError `LOCK_BUSY` when `wait` is over, `ABORTED`, `IO_ERROR`
 */
export async function acquireLock(root: string, options: LockOptions): Promise<Lock> {
  const started = processStart(process.pid);
  const me: Owner = {
    host: options.host ?? HOST_ID,
    pid: process.pid,
    ...(started !== undefined && { started }),
    nonce: randomBytes(12).toString("hex"),
  };
  const deadline = Date.now() + options.wait;
  const stale = options.stale ?? STALE_MS;
  try {
    for (let attempt = 0; ; attempt++) {
      const blocker = await tryAcquire(root, me, stale);
      if (blocker === undefined) return held(root, me);
      if (Date.now() >= deadline) throw busy(blocker);
      throwIfAborted(options.signal);
      await sleep(Math.min(5 + attempt * 2, 40) * (0.5 + Math.random()), undefined, { ref: true });
    }
  } catch (error) {
    throw ioError(error, root);
  }
}

/** Returns undefined once the lock is ours, else what stands in the way. */
async function tryAcquire(root: string, me: Owner, stale: number): Promise<Blocker | undefined> {
  if (!(await createOwned(root, LOCK, me))) {
    const end = await lastOwner(root, me);
    if (end === undefined) return { file: LOCK };
    if (!(await isDead(join(root, end.file), end.owner, me, stale))) return end;
    const claim = `${LOCK}.after-${end.owner.nonce}`;
    if (!(await createOwned(root, claim, me))) return { file: claim };
    const first = await readOwner(join(root, LOCK));
    if (first === undefined || first.nonce !== end.first) {
      await rm(join(root, claim), { force: true });
      return { file: LOCK };
    }
    await replaceOwned(root, LOCK, me);
    for (const name of await readdir(root)) if (name.startsWith(`${LOCK}.after-`)) await rm(join(root, name), { force: true });
  }
  const foreign = await takeBuildkitLock(root);
  if (foreign === undefined) return undefined;
  await rm(join(root, LOCK), { force: true });
  return foreign;
}

interface Blocker {
  readonly file: string;
  readonly owner?: Owner;
}

/** Follows lock → after-N → after-M … to the owner at the end; undefined if the chain changed under the hand. */
async function lastOwner(root: string, me: Owner): Promise<{ file: string; owner: Owner; first: string } | undefined> {
  let file = LOCK;
  let owner = await readOwner(join(root, file));
  if (owner === undefined) return undefined;
  const first = owner.nonce;
  for (;;) {
    const next = `${LOCK}.after-${owner.nonce}`;
    const successor = await readOwner(join(root, next));
    if (successor === undefined || successor.nonce === me.nonce) return { file, owner, first };
    file = next;
    owner = successor;
  }
}

async function takeBuildkitLock(root: string): Promise<Blocker | undefined> {
  const path = join(root, BUILDKIT_LOCK);
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    const there = await lstat(path).catch(() => undefined);
    // A directory can only be what a killed ocilot left: whoever holds the lock above owns it.
    if (there?.isDirectory() !== true) return { file: BUILDKIT_LOCK };
  }
  return undefined;
}

function held(root: string, me: Owner): Lock {
  const path = join(root, LOCK);
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), HEARTBEAT_MS);
  beat.unref();
  const isMine = async (): Promise<boolean> => {
    if ((await readOwner(path))?.nonce !== me.nonce) return false;
    return (await readOwner(join(root, `${LOCK}.after-${me.nonce}`))) === undefined;
  };
  return {
    async assertHeld() {
      if (await isMine()) return;
      throw new OcilotError(
        "LOCK_LOST",
        `${LOCK}: another process took the lock over while this one was suspended`,
        { file: LOCK },
        {
          hint: "Nothing was replaced. Run the command again.",
        },
      );
    },
    async release() {
      clearInterval(beat);
      if (!(await isMine())) return;
      await rmdir(join(root, BUILDKIT_LOCK)).catch(() => undefined);
      await rm(path, { force: true });
    },
  };
}

/** Creates a file that holds the owner, whole or not at all; false if one of that name is there. */
async function createOwned(root: string, name: string, owner: Owner): Promise<boolean> {
  const temp = join(root, tempName());
  await writeFile(temp, JSON.stringify(owner), { flag: "wx" });
  try {
    await link(temp, join(root, name));
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errnoOf(error) ?? "")) throw error;
    return await createWithoutLinks(join(root, name), owner);
  } finally {
    await unlink(temp).catch(() => undefined);
  }
}

/** For file systems without hard links. A crash between creation and content leaves an owner that only age removes. */
async function createWithoutLinks(path: string, owner: Owner): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(owner), { flag: "wx" });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function replaceOwned(root: string, name: string, owner: Owner): Promise<void> {
  const temp = join(root, tempName());
  await writeFile(temp, JSON.stringify(owner), { flag: "wx" });
  await rename(temp, join(root, name));
}

async function readOwner(path: string): Promise<Owner | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const owner = JSON.parse(text) as Owner;
    if (typeof owner.nonce === "string" && /^[0-9a-f]+$/.test(owner.nonce)) return owner;
  } catch {
    // Not written by ocilot, or cut short: its owner is unknown and only age removes it.
  }
  return { host: "", pid: 0, nonce: "unknown" };
}

async function isDead(path: string, owner: Owner, me: Owner, stale: number): Promise<boolean> {
  if (owner.host === me.host) {
    if (!isAlive(owner.pid)) return true;
    return owner.started !== undefined && processStart(owner.pid) !== owner.started;
  }
  const there = await lstat(path).catch(() => undefined);
  return there !== undefined && Date.now() - there.mtimeMs > stale;
}

function busy(blocker: Blocker): OcilotError<"LOCK_BUSY"> {
  const { file, owner } = blocker;
  const who = owner === undefined || owner.pid === 0 ? undefined : `process ${owner.pid} on ${owner.host.split(" ")[0]}`;
  return new OcilotError(
    "LOCK_BUSY",
    `${file}: ${who ?? "another program"} is writing to this layout`,
    { file, ...(who !== undefined && { owner: who }) },
    {
      hint:
        file === BUILDKIT_LOCK
          ? "BuildKit keeps this file while it writes. If no build is running it was left by a crash: remove it, then try again."
          : "Wait for it to end, or give more time with --wait.",
    },
  );
}
