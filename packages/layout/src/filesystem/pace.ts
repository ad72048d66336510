import { throwIfAborted } from "../abort.js";

/** How long a loop runs before other work gets a turn, in milliseconds. */
const TURN_MS = 20;

/**
 * Keeps a long loop from blocking the process: signals, timers and other requests get a turn, and the loop ends when `signal` aborts.
 * Use as `if (pace.isDue) await pace.rest();` in every pass of the loop.
 */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  // Not performance.now(): the first look at `performance` makes Node load a dozen modules, at every start.
  #rested: number = Date.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** True when the loop has run long enough. A plain check, so that a loop without need of a rest stays synchronous. */
  get isDue(): boolean {
    const past = Date.now() - this.#rested;
    // The clock may have been put back meanwhile.
    return past > TURN_MS || past < 0;
  }

  /** Gives other work a turn. @throws OcilotError `ABORTED` */
  async rest(): Promise<void> {
    await nextTurn();
    throwIfAborted(this.#signal);
    this.#rested = Date.now();
  }
}

/** Browsers have no `setImmediate`; a timer waits a few milliseconds more there. */
async function nextTurn(): Promise<void> {
  const { setImmediate: soon = setTimeout } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  await new Promise<void>((resolve) => void soon(resolve));
}
