import type { Io } from "../io.js";
import type { Output } from "../output.js";

/** What a command runs in. */
export interface Context {
  readonly io: Io;
  readonly out: Output;
  /** Fires when the user interrupts. */
  readonly signal: AbortSignal;
}
