import { OcilotError } from "./errors.js";

/** The errno name of a file-system error, or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: "Check who owns the file and its permissions.",
  EPERM: "Check who owns the file and its permissions.",
  EROFS: "The file system is read-only; write to a copy with --output.",
  ENOSPC: "The disk is full; free some room and run the command again.",
  EDQUOT: "The disk quota is used up; free some room and run the command again.",
  EIO: "The disk or the network behind it failed; look into the system's log.",
  ENFILE: "Too many files are open on this machine; close some programs.",
  EMFILE: "Too many files are open; raise the limit (ulimit -n).",
};

/**
 * Wraps a file-system error so that it names the file and says what to do. Anything else passes through: an
 * {@link OcilotError} has said it already, and a mistake in a callback must not look like a broken disk.
 */
export function ioError(error: unknown, path: string): Error {
  if (!(error instanceof Error) || !("syscall" in error)) return error as Error;
  const errno = errnoOf(error);
  const syscall = String(error.syscall);
  const hint = errno === undefined ? undefined : HINTS[errno];
  return new OcilotError(
    "IO_ERROR",
    `${path}: ${errno ?? error.message} (${syscall})`,
    { path, syscall, ...(errno !== undefined && { errno }) },
    { cause: error, ...(hint !== undefined && { hint }) },
  );
}

/** Throws `ABORTED` if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OcilotError("ABORTED", "interrupted; nothing more was written", {}, { cause: signal.reason });
}
