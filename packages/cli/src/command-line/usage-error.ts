import { OcilotError } from "@ocilot/layout/spec";

/** Returns the error for a mistake in how a command is called. */
export function usageError(message: string, argument?: string, hint?: string): OcilotError<"USAGE"> {
  return new OcilotError("USAGE", message, argument === undefined ? {} : { argument }, hint === undefined ? {} : { hint });
}
