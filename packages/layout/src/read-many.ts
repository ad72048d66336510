import { setImmediate as breathe } from "node:timers/promises";
import { type OcilotError, isOcilotError } from "./errors.js";
import { throwIfAborted } from "./io-error.js";
import type { Descriptor } from "./spec/descriptor.js";

/** Blobs looked at between two turns of the event loop: plain calls are several times faster than a promise for each. */
export const SLICE: number = 256;

/** Reads many small blobs by plain calls, in the order asked; what cannot be read is its error. @throws OcilotError `ABORTED` */
export async function readMany(
  ds: readonly Descriptor[],
  read: (d: Descriptor) => Uint8Array,
  signal: AbortSignal | undefined,
): Promise<(Uint8Array | OcilotError)[]> {
  const results: (Uint8Array | OcilotError)[] = [];
  for (const d of ds) {
    if (results.length % SLICE === SLICE - 1) {
      await breathe();
      throwIfAborted(signal);
    }
    try {
      results.push(read(d));
    } catch (error) {
      if (!isOcilotError(error)) throw error;
      results.push(error);
    }
  }
  return results;
}
