import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type LockOptions, acquireLock } from "../src/directory/lock.js";
import { errorOf, namesIn } from "./helpers.js";

export const LOCK = ".ocilot-lock";
/** What a layout holds that nobody is writing to. */
export const CLEAN: readonly string[] = ["blobs", "index.json", "oci-layout"];
export const NOW: LockOptions = { wait: 0 };

/** Puts a lock there as another process would have left it. */
export function plant(dir: string, owner: unknown, name = LOCK, ageSeconds = 0): void {
  writeFileSync(join(dir, name), typeof owner === "string" ? owner : JSON.stringify(owner));
  const then = Date.now() / 1000 - ageSeconds;
  utimesSync(join(dir, name), then, then);
}

export async function takes(dir: string, options: LockOptions = NOW): Promise<void> {
  const lock = await acquireLock(dir, options);
  await lock.assertHeld();
  await lock.release();
  expect(namesIn(dir)).toEqual(CLEAN);
}

export async function isBusy(dir: string, options: LockOptions = NOW): Promise<{ message: string; hint: string | undefined }> {
  const error = await errorOf(acquireLock(dir, options));
  expect(error.code).toBe("LOCK_BUSY");
  return error;
}
