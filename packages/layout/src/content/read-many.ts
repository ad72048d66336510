import { type OcilotError, isOcilotError } from "../errors.js";
import { throwIfAborted } from "../abort.js";
import { Pace } from "../filesystem/pace.js";
import type { Descriptor } from "../spec/descriptor.js";

/**
 * Reads many small blobs in the order asked, by synchronous calls, which are several times faster than a promise for each. A blob that
 * cannot be read is its error. @throws OcilotError `ABORTED`
 */
export async function readMany(
  ds: readonly Descriptor[],
  read: (d: Descriptor) => Uint8Array,
  signal: AbortSignal | undefined,
): Promise<(Uint8Array | OcilotError)[]> {
  throwIfAborted(signal);
  const pace = new Pace(signal);
  const results: (Uint8Array | OcilotError)[] = [];
  for (const d of ds) {
    if (pace.isDue) await pace.rest();
    throwIfAborted(signal);
    try {
      results.push(read(d));
    } catch (error) {
      if (!isOcilotError(error)) throw error;
      results.push(error);
    }
  }
  return results;
}
