import { renameSync } from "node:fs";
import { rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "./io-error.js";

const ATTEMPTS = 20;
/** How much longer each pause is than the one before it, in milliseconds: about a second in all. */
const PAUSE_MS = 5;

/**
 * Renames a file or directory over what may be there. On Windows it tries again while a reader or a virus scanner has one of the two
 * open; elsewhere a refusal is final. The linter refuses every other use of `rename`.
 * @throws file-system errors as they come
 * @internal Exported for the sibling packages, where no other rename is allowed.
 */
export async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      if (!mayPass(error, attempt)) throw error;
      await sleep(attempt * PAUSE_MS);
    }
  }
}

/**
 * As {@link renameOver}, where other work cannot come in between; it blocks the thread while it waits.
 * @internal Exported for the sibling packages, where no other rename is allowed.
 */
export function renameOverSync(from: string, to: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      return renameSync(from, to);
    } catch (error) {
      if (!mayPass(error, attempt)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, attempt * PAUSE_MS);
    }
  }
}

function mayPass(error: unknown, attempt: number): boolean {
  return process.platform === "win32" && attempt < ATTEMPTS && ["EPERM", "EACCES", "EBUSY"].includes(errnoOf(error) ?? "");
}
