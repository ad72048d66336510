import { OcilotError, isOcilotError } from "@ocilot/layout/spec";
import { EXIT, type ExitCode, exitCodeOf } from "../exit-code.js";
import type { Io } from "../io.js";
import { renderJson } from "./json.js";
import { missingPathHint } from "./missing-path.js";
import { printable } from "./printable.js";

/** How an error is shown. */
export interface ReportOptions {
  json: boolean;
  /** One line that shows how the command is called; for mistakes in the call only. */
  usage?: string | undefined;
}

/** What the system says, for people. */
const ERRNO: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "disk quota exceeded",
  ENOTDIR: "is not a directory",
  EISDIR: "is a directory",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many links",
  EBUSY: "in use by another program",
  EEXIST: "already exists",
  ENOTEMPTY: "is not empty",
};

/** Says on standard error what went wrong, and returns the exit code for it. */
export function reportError(error: unknown, io: Io, { json, usage }: ReportOptions): ExitCode {
  const known = error instanceof OcilotError ? error : fromSystem(error);
  if (known === undefined) return reportMistake(error, io, json);
  const { code, message, details } = known;
  const hint = known.hint ?? (isOcilotError(known, "PATH_NOT_FOUND") ? missingPathHint(known.details.path) : undefined);
  const exitCode = exitCodeOf(known);
  if (json) io.stderr.write(`${renderJson({ error: { code, message, ...(hint !== undefined && { hint }), details } }, 0)}\n`);
  else {
    const lines = [`ocilot: ${printable(message)}`];
    if (hint !== undefined) lines.push(`  hint: ${printable(hint)}`);
    if (exitCode === EXIT.usage && usage !== undefined) lines.push(`  usage: ${usage}`);
    io.stderr.write(`${lines.join("\n")}\n`);
  }
  return exitCode;
}

/** Returns the error for standard output that takes no more. */
export function outputError(error: NodeJS.ErrnoException): OcilotError<"IO_ERROR"> {
  const { code: errno, syscall, message } = error;
  const what = errno === undefined ? message : `${errno}: ${ERRNO[errno] ?? message}`;
  return new OcilotError(
    "IO_ERROR",
    `standard output: ${what}`,
    { path: "-", ...(syscall !== undefined && { syscall }), ...(errno !== undefined && { errno }) },
    { hint: "What was printed is not complete; send it to a disk with more room, or to another program.", cause: error },
  );
}

/** What Node throws on its own account. */
function fromSystem(error: unknown): OcilotError | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "AbortError") return new OcilotError("ABORTED", "interrupted", {}, { cause: error });
  if (!("syscall" in error)) return undefined;
  const errno = "code" in error ? String(error.code) : "";
  const path = "path" in error ? String(error.path) : "";
  const syscall = String(error.syscall);
  const what = ERRNO[errno] ?? (errno === "" ? error.message : errno);
  if (errno === "ENOENT" && path !== "") return new OcilotError("PATH_NOT_FOUND", `${path} ${what}`, { path }, { cause: error });
  const message = [path, `${what} (${syscall})`].filter((part) => part !== "").join(": ");
  return new OcilotError("IO_ERROR", message, { path, errno, syscall }, { cause: error });
}

function reportMistake(error: unknown, io: Io, json: boolean): ExitCode {
  const message = error instanceof Error ? error.message : String(error);
  const hint = "This is a bug in ocilot. Please report it with the command that you ran; OCILOT_DEBUG=1 shows where it happened.";
  if (json) io.stderr.write(`${renderJson({ error: { code: "INTERNAL", message, hint, details: {} } }, 0)}\n`);
  else io.stderr.write(`ocilot: internal error: ${printable(message)}\n  hint: ${hint}\n`);
  if (io.env["OCILOT_DEBUG"] && error instanceof Error) io.stderr.write(`${error.stack}\n`);
  return EXIT.failure;
}
