import { setImmediate as breathe } from "node:timers/promises";
import { OcilotError } from "@ocilot/layout";
import { mutateBytes } from "./mutate.js";
import { Prng } from "./prng.js";
import type { Target } from "./targets.js";

/** What came of some inputs. */
export interface Figures {
  readonly name: string;
  readonly inputs: number;
  /** Inputs that were taken, the others were refused with an `OcilotError`. */
  readonly taken: number;
  readonly seconds: number;
  /** The longest that one input took, in milliseconds. */
  readonly slowest: number;
  readonly codes: Readonly<Record<string, number>>;
}

/** Inputs between two turns of the event loop. */
const SLICE = 2000;
const KEPT = 64;

/**
 * Gives a target so many inputs: its seeds as they are, then changed ones, of seeds and of inputs that were taken.
 * @throws Error with the input, if a target throws anything but an `OcilotError`
 */
export async function fuzz(target: Target, inputs: number, seed: number): Promise<Figures> {
  const rng = new Prng(seed);
  const pool = [...target.seeds];
  const fresh = pool.length;
  const mutate = target.mutate ?? mutateBytes;
  const codes: Record<string, number> = {};
  let taken = 0;
  let slowest = 0;
  const start = performance.now();
  for (let i = 0; i < inputs; i++) {
    if (i % SLICE === 0) await breathe();
    const input = i < fresh ? pool[i]! : mutate(rng.pick(pool), rng.pick(pool), rng);
    const before = performance.now();
    try {
      const pending = target.run(input);
      if (pending !== undefined) await pending;
      taken++;
      // What was taken is a good place to go on from.
      if (i >= fresh && rng.once(16)) {
        if (pool.length < fresh + KEPT) pool.push(input);
        else pool[fresh + rng.below(KEPT)] = input;
      }
    } catch (error) {
      if (!(error instanceof OcilotError)) throw finding(target.name, seed, i, input, error);
      codes[error.code] = (codes[error.code] ?? 0) + 1;
    }
    slowest = Math.max(slowest, performance.now() - before);
  }
  return { name: target.name, inputs, taken, seconds: (performance.now() - start) / 1000, slowest, codes };
}

function finding(name: string, seed: number, i: number, input: Uint8Array, cause: unknown): Error {
  const shown = Buffer.from(input.subarray(0, 3000));
  return new Error(
    `${name}, seed ${seed}, input ${i}: ${cause instanceof Error ? cause.stack : String(cause)}\n${shown.toString("utf8")}\nbase64: ${shown.toString("base64")}`,
    { cause },
  );
}
