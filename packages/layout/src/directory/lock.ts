import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OcilotError, isOcilotError, isIoFailure } from "../errors.js";
import { FileSystemClock } from "../filesystem/clock.js";
import { ioError } from "../filesystem/io-error.js";
import { throwIfAborted } from "../abort.js";
import { sweepTemps } from "../filesystem/sweep-temps.js";
import { TEMP_PREFIX, hostId, processStart } from "../filesystem/temp-file.js";
import { BUILDKIT_LOCK, releaseBuildkitLock, takeBuildkitLock } from "./buildkit-lock.js";
import { type Blocker, HEARTBEAT_MS, STALE_MS, busy } from "./lock-busy.js";
import { type Owner, createOwned, isDead, isOwnerOf, readOwner, renew, replaceOwned } from "./lock-owner.js";
import { LockQueue } from "./lock-queue.js";

/** The lock of a layout, while it is held. */
export interface Lock {
  /** @throws OcilotError `LOCK_LOST` if another host took over the lock while this process was suspended */
  assertHeld(): Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  /** Milliseconds to wait for another owner. */
  wait: number;
  signal?: AbortSignal | undefined;
  /** For tests: the host that this process claims to run on. */
  host?: string;
  /** Milliseconds without a renewal after which an owner on another host counts as dead (default: 60,000). */
  stale?: number;
}

/** The file of the lock in the root of a layout. */
export const LOCK: string = `${TEMP_PREFIX}lock`;

/** Nonces of locks that this process gave up and could not remove. */
const abandoned: Set<string> = new Set();

/**
 * Takes the lock of the layout in `root`, waiting for an owner that is alive.
 *
 * A lock is a file that names its owner and a nonce, put in place by `link`, which fails if a file of that name exists. The lock of a dead
 * owner with nonce N passes to the process that creates `….after-N`, which only one process can. That process owns the lock only if the
 * lock still has the nonce that the chain of claims began with, and then replaces the dead lock by its own. So exactly one process wins a
 * takeover, and a crash in the middle of one leaves a claim that is taken over in the same way.
 * @throws OcilotError `LOCK_BUSY` when `wait` is over, `ABORTED`, `IO_ERROR`
 */
export async function acquireLock(root: string, options: LockOptions): Promise<Lock> {
  const started = processStart(process.pid);
  const me: Owner = {
    host: options.host ?? hostId(),
    pid: process.pid,
    ...(started !== undefined && { started }),
    nonce: randomBytes(12).toString("hex"),
  };
  const deadline = Date.now() + options.wait;
  const stale = options.stale ?? STALE_MS;
  const clock = new FileSystemClock(root);
  const queue = new LockQueue(root, clock);
  try {
    for (;;) {
      throwIfAborted(options.signal);
      const isLast = Date.now() >= deadline;
      const ahead = await queue.ahead();
      if (ahead === 0 || isLast) {
        const blocker = await tryAcquire(root, me, { host: me.host, stale, clock });
        if (blocker === undefined) {
          await sweepClaims(root, me, clock);
          return held(root, me, clock);
        }
        if (isLast) throw busy(root, blocker);
      }
      await queue.lineUp();
      // The first in the queue looks often, so that the lock is not free for long; the others let it work.
      await sleep((ahead === 0 ? 6 : Math.min(5 + ahead * 5, 50)) * (0.5 + Math.random()));
    }
  } catch (error) {
    await abandon(root, me);
    throw ioError(error, root);
  } finally {
    await queue.leave();
  }
}

/** Gives up what `me` may hold by now. What cannot be removed counts as dead for this process, too. */
async function abandon(root: string, me: Owner): Promise<void> {
  try {
    if ((await readOwner(root, LOCK))?.nonce !== me.nonce) return;
    await releaseBuildkitLock(root);
    await rm(join(root, LOCK), { force: true });
  } catch {
    abandoned.add(me.nonce);
  }
}

/** Removes claims of dead processes of this host on locks that are gone. */
async function sweepClaims(root: string, me: Owner, clock: FileSystemClock): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(`${LOCK}.after-`) || name === claimOn(me)) continue;
    const owner = await readOwner(root, name);
    if (owner !== undefined && isOwnerOf(me.host, owner) && (await isOver(root, { file: name, owner }, { host: me.host, stale: 0, clock })))
      await rm(join(root, name), { force: true });
  }
}

type DeathRule = Parameters<typeof isDead>[3];

async function isOver(root: string, { file, owner }: Link, rule: DeathRule): Promise<boolean> {
  return abandoned.has(owner.nonce) || (await isDead(root, file, owner, rule));
}

/** Returns undefined once the lock is ours, else what prevents it. */
async function tryAcquire(root: string, me: Owner, rule: DeathRule): Promise<Blocker | undefined> {
  const chain = await chainOfOwners(root);
  const blocker = chain.length === 0 ? await takeFree(root, me) : await takeOver(root, me, rule, chain);
  if (blocker !== undefined) return blocker;
  try {
    if (await takeBuildkitLock(root)) return undefined;
    await rm(join(root, LOCK), { force: true });
    return { file: BUILDKIT_LOCK };
  } catch (error) {
    await rm(join(root, LOCK), { force: true });
    throw error;
  }
}

async function takeFree(root: string, me: Owner): Promise<Blocker | undefined> {
  return (await createOwned(root, LOCK, me)) ? undefined : { file: LOCK };
}

async function takeOver(root: string, me: Owner, rule: DeathRule, chain: readonly Link[]): Promise<Blocker | undefined> {
  const first = chain[0]!;
  const last = chain[chain.length - 1]!;
  if (!(await isOver(root, last, rule))) return last;
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
  // Only the claims of this chain: another one may belong to a process that is taking this very lock over, and without it a third one
  // could do the same.
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
    // ocilot makes no circle. Its claim exists, so the lock stays busy until a person looks at it.
    if (owner === undefined || seen.has(owner.nonce)) return chain;
    seen.add(owner.nonce);
    chain.push({ file, owner });
    file = claimOn(owner);
  }
}

function claimOn(owner: Owner): string {
  return `${LOCK}.after-${owner.nonce}`;
}

/**
 * Removes the lock that a killed process left, its claims and temporary files. Does nothing if there is no lock, its owner is alive, or the
 * layout cannot be written: a command that has nothing to write calls this so that other programs are not kept out.
 */
export async function clearDeadLock(root: string): Promise<void> {
  try {
    const names = await readdir(root);
    if (!names.includes(LOCK) && !names.includes(BUILDKIT_LOCK)) return;
    const lock = await acquireLock(root, { wait: 0 });
    try {
      await sweepTemps(root, { claims: true });
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (!isOcilotError(error, "LOCK_BUSY") && !isIoFailure(ioError(error, root))) throw error;
  }
}

function held(root: string, me: Owner, clock: FileSystemClock): Lock {
  const path = join(root, LOCK);
  const beat = setInterval(() => void renew(path, clock), HEARTBEAT_MS);
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
        `${LOCK}: another process took over the lock while this one was suspended`,
        { file: LOCK },
        { hint: "Nothing was replaced. Run the command again." },
      );
    },
    async release() {
      clearInterval(beat);
      try {
        if (!(await isMine())) return;
        await releaseBuildkitLock(root);
        await rm(path, { force: true });
      } catch {
        // The write is done. This process may take the lock again, and any other one when this one has ended.
        abandoned.add(me.nonce);
      }
    },
  };
}
