import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { lock } from "proper-lockfile";
import type { Environment } from "../environment.js";
import { nameFor, runtimeDirectory } from "./runtime-directory.js";

/** A holder that was killed is passed over after so long. */
const STALE_MS = 5000;
/** Longer than that nobody waits: to write at the same time costs another round, and no data. */
const WAIT_MS = 20_000;

/**
 * Does something while no other process of this user on this host does it for the same list of referrers. The lock saves rounds of writing
 * over each other; what makes the result right is that it is read back. So where the lock cannot be had, the work is done without.
 */
export async function withSubjectLock<T>(words: readonly string[], env: Environment, work: () => Promise<T>): Promise<T> {
  const release = await acquire(words, env);
  try {
    return await work();
  } finally {
    await release?.();
  }
}

async function acquire(words: readonly string[], env: Environment): Promise<(() => Promise<void>) | undefined> {
  const directory = runtimeDirectory("subjects", env);
  if (directory === undefined) return undefined;
  const file = join(directory, nameFor(...words));
  try {
    writeFileSync(file, "", { flag: "a", mode: 0o600 });
    const release = await lock(file, {
      realpath: false,
      stale: STALE_MS,
      update: STALE_MS / 4,
      retries: { retries: WAIT_MS / 50, factor: 1.2, minTimeout: 5, maxTimeout: 100, randomize: true },
      // A process that takes over a lock may write at the same time; both read back.
      onCompromised: () => undefined,
    });
    return async () => await release().catch(() => undefined);
  } catch {
    return undefined;
  }
}
