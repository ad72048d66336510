import { OcilotError } from "./errors.js";

/** @throws OcilotError `ABORTED` if the signal has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Returns the error of work that a signal has ended. */
export function abortError(signal: AbortSignal): OcilotError<"ABORTED"> {
  return new OcilotError("ABORTED", "interrupted; nothing more was written", {}, { cause: signal.reason });
}
