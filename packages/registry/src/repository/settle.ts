import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after a write at which it is looked at again: other writers that read before it may write after it. */
export const SETTLE_DELAYS: readonly number[] = [50, 100, 200, 400];

/** Waits, a little more or less than told, so that several processes do not keep step. */
export async function waitAbout(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const time = milliseconds * (0.75 + Math.random() / 2);
  await sleep(time, undefined, signal && { signal });
}
