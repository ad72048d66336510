import { OcilotError } from "@ocilot/layout";
import { EXIT, type ExitCode, exitCodeOf } from "./exit-code.js";
import type { Io } from "./io.js";
import { printable } from "./printable.js";

/** How an error is shown. */
export interface ReportOptions {
  json: boolean;
  /** One line that shows how the command is called; for mistakes in the call only. */
  usage?: string | undefined;
}

/** Says on standard error what went wrong, and returns the exit code for it. */
export function reportError(error: unknown, io: Io, { json, usage }: ReportOptions): ExitCode {
  const known = error instanceof OcilotError ? error : toKnown(error);
  if (known === undefined) return reportMistake(error, io, json);
  const { code, message, hint, details } = known;
  const exitCode = exitCodeOf(known);
  if (json) io.stderr.write(`${JSON.stringify({ error: { code, message, ...(hint !== undefined && { hint }), details } })}\n`);
  else {
    const lines = [`ocilot: ${printable(message)}`];
    if (hint !== undefined) lines.push(`  hint: ${printable(hint)}`);
    if (exitCode === EXIT.usage && usage !== undefined) lines.push(`  usage: ${usage}`);
    io.stderr.write(`${lines.join("\n")}\n`);
  }
  return exitCode;
}

/** What Node throws on its own account. */
function toKnown(error: unknown): OcilotError | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "AbortError") return new OcilotError("ABORTED", "interrupted", {}, { cause: error });
  if (!("syscall" in error)) return undefined;
  const errno = "code" in error ? String(error.code) : "";
  const path = "path" in error ? String(error.path) : "";
  const message = [path, errno === "" ? error.message : errno, `(${String(error.syscall)})`].filter((part) => part !== "").join(" ");
  return new OcilotError("IO_ERROR", message, { path, errno, syscall: String(error.syscall) }, { cause: error });
}

function reportMistake(error: unknown, io: Io, json: boolean): ExitCode {
  const message = error instanceof Error ? error.message : String(error);
  const hint = "This is a mistake in ocilot. Please report it with the command that you ran; OCILOT_DEBUG=1 shows where it happened.";
  if (json) io.stderr.write(`${JSON.stringify({ error: { code: "INTERNAL", message, hint, details: {} } })}\n`);
  else io.stderr.write(`ocilot: internal error: ${printable(message)}\n  hint: ${hint}\n`);
  if (io.env["OCILOT_DEBUG"] && error instanceof Error) io.stderr.write(`${error.stack}\n`);
  return EXIT.failure;
}
