import { randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, rm, rmdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcilotError } from "./errors.js";
import { errnoOf, ioError, throwIfAborted } from "./io-error.js";
import { type Owner, createOwned, isDead, readOwner, replaceOwned } from "./lock-owner.js";
import { LockQueue } from "./lock-queue.js";
import { HOST_ID, TEMP_PREFIX, processStart } from "./temp-file.js";

/** The lock of a layout, while it is held. */
export interface Lock {
  /** @throws OcilotError `LOCK_LOST` if another host took it over while this process was suspended */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
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

/** Nonces of this process that nobody needs any more although a file may still bear them: its removal failed. */
const abandoned: Set<string> = new Set();

/**
 * Takes the lock of the layout in `root`, waiting for an owner that lives.
 *
 * A lock is a file that names its owner and a nonce, put in place by `link`, which fails if one is there. The lock of
 * a dead owner with nonce N passes to whoever creates `….after-N`, which only one process ever can; it owns the lock
 * only if the lock still bears the nonce that the chain of claims began with, and then puts its own lock over the dead
 * one. So a takeover is won by exactly one process, and a crash in the middle of one leaves a claim that is taken over
 * in the same way.
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
  const queue = new LockQueue(root);
  try {
    for (;;) {
      throwIfAborted(options.signal);
      const isLast = Date.now() >= deadline;
      const ahead = await queue.ahead();
      if (ahead === 0 || isLast) {
        const blocker = await tryAcquire(root, me, stale);
        if (blocker === undefined) {
          await sweepClaims(root, me);
          return held(root, me);
        }
        if (isLast) throw busy(blocker);
      }
      await queue.lineUp();
      // Whoever is first looks often, so that the lock is never long without an owner; the others let it work.
      await sleep((ahead === 0 ? 6 : Math.min(5 + ahead * 5, 50)) * (0.5 + Math.random()));
    }
  } catch (error) {
    await abandon(root, me);
    throw ioError(error, root);
  } finally {
    await queue.leave();
  }
}

/** Gives up what `me` may have by now; what cannot be removed is as good as dead for this process, too. */
async function abandon(root: string, me: Owner): Promise<void> {
  try {
    if ((await readOwner(root, LOCK))?.nonce !== me.nonce) return;
    await rmdir(join(root, BUILDKIT_LOCK)).catch(() => undefined);
    await rm(join(root, LOCK), { force: true });
  } catch {
    abandoned.add(me.nonce);
  }
}

/** Removes claims that a process of this host left when it died after the lock that they were on was gone. */
async function sweepClaims(root: string, me: Owner): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(`${LOCK}.after-`) || name === claimOn(me)) continue;
    const owner = await readOwner(root, name);
    if (owner?.host === me.host && (await isOver(root, { file: name, owner }, me.host, 0))) await rm(join(root, name), { force: true });
  }
}

async function isOver(root: string, { file, owner }: Link, host: string, stale: number): Promise<boolean> {
  return abandoned.has(owner.nonce) || (await isDead(root, file, owner, host, stale));
}

interface Blocker {
  readonly file: string;
  readonly owner?: Owner;
}

/** Returns undefined once the lock is ours, else what stands in the way. */
async function tryAcquire(root: string, me: Owner, stale: number): Promise<Blocker | undefined> {
  const chain = await chainOfOwners(root);
  const blocker = chain.length === 0 ? await takeFree(root, me) : await takeOver(root, me, stale, chain);
  if (blocker !== undefined) return blocker;
  try {
    const foreign = await takeBuildkitLock(root);
    if (foreign !== undefined) await rm(join(root, LOCK), { force: true });
    return foreign;
  } catch (error) {
    await rm(join(root, LOCK), { force: true });
    throw error;
  }
}

async function takeFree(root: string, me: Owner): Promise<Blocker | undefined> {
  return (await createOwned(root, LOCK, me)) ? undefined : { file: LOCK };
}

async function takeOver(root: string, me: Owner, stale: number, chain: readonly Link[]): Promise<Blocker | undefined> {
  const first = chain[0]!;
  const last = chain[chain.length - 1]!;
  if (!(await isOver(root, last, me.host, stale))) return last;
  const claim = claimOn(last.owner);
  if (!(await createOwned(root, claim, me))) return { file: claim };
  try {
    if ((await readOwner(root, LOCK))?.nonce !== first.owner.nonce) {
      await rm(join(root, claim), { force: true });
      return { file: LOCK };
    }
    await replaceOwned(root, LOCK, me);
  } catch (error) {
    await rm(join(root, claim), { force: true }).catch(() => abandoned.add(me.nonce));
    throw error;
  }
  // Only the claims of this chain: another one may be somebody's who is taking this very lock over, and without it
  // a third could do the same.
  for (const { owner } of chain) await rm(join(root, claimOn(owner)), { force: true });
  return undefined;
}

interface Link extends Blocker {
  readonly owner: Owner;
}

/** Follows lock → after-N → after-M … to the owner at the end; empty if there is no lock. */
async function chainOfOwners(root: string): Promise<Link[]> {
  const chain: Link[] = [];
  const seen = new Set<string>();
  for (let file = LOCK; ;) {
    const owner = await readOwner(root, file);
    // A circle is nothing that ocilot makes; its claim is there, so that the lock stays busy until a person looks at it.
    if (owner === undefined || seen.has(owner.nonce)) return chain;
    seen.add(owner.nonce);
    chain.push({ file, owner });
    file = claimOn(owner);
  }
}

function claimOn(owner: Owner): string {
  return `${LOCK}.after-${owner.nonce}`;
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
    try {
      return (await readOwner(root, LOCK))?.nonce === me.nonce && (await readOwner(root, claimOn(me))) === undefined;
    } catch (error) {
      throw ioError(error, path);
    }
  };
  return {
    async assertHeld() {
      if (await isMine()) return;
      throw new OcilotError(
        "LOCK_LOST",
        `${LOCK}: another process took the lock over while this one was suspended`,
        { file: LOCK },
        { hint: "Nothing was replaced. Run the command again." },
      );
    },
    async release() {
      clearInterval(beat);
      try {
        if (!(await isMine())) return;
        await rmdir(join(root, BUILDKIT_LOCK)).catch(() => undefined);
        await rm(path, { force: true });
      } catch {
        // What was to be written is written; this process may take the lock again, and any other once this one has ended.
        abandoned.add(me.nonce);
      }
    },
  };
}

function busy(blocker: Blocker): OcilotError<"LOCK_BUSY"> {
  const { file, owner } = blocker;
  const who = owner === undefined || owner.pid === 0 ? undefined : `process ${owner.pid} on ${owner.host.split(" ")[0]}`;
  return new OcilotError(
    "LOCK_BUSY",
    `${file}: ${who ?? "another program"} is writing to this layout`,
    { file, ...(who !== undefined && { owner: who }) },
    {
      hint: file === BUILDKIT_LOCK ? BUILDKIT_HINT : owner?.pid === 0 ? GARBAGE_HINT : "Wait for it to end, or give more time with --wait.",
    },
  );
}

const BUILDKIT_HINT = "BuildKit keeps this file while it writes. If no build is running it was left by a crash: remove it, then try again.";
const GARBAGE_HINT = "The file does not say who made it. If no ocilot is running here, remove it, then try again.";
