import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { OcilotError } from "../errors.js";
import { shellWord } from "./shell-word.js";

/**
 * Returns the errno name of a file-system error (`ENOENT`), or undefined for anything else.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { errnoOf } from "@ocilot/layout";
 *
 * const text = await readFile("./policy.json", "utf8").catch((error: unknown) => {
 *   if (errnoOf(error) === "ENOENT") return "{}";
 *   throw error;
 * });
 * console.log(text);
 * ```
 */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full; free some room and run the command again.",
  EDQUOT: "The disk quota is used up; free some room and run the command again.",
  EIO: "The disk or the network behind it failed; look into the system's log.",
  ENFILE: "Too many files are open on this machine; close some programs.",
  EMFILE: "Too many files are open; raise the limit (ulimit -n).",
};

const DENIED: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "EBUSY", "ETXTBSY"]);

/**
 * Wraps a file-system error in an `IO_ERROR`, or in `ACCESS_DENIED` where rights or another program are in the way, so that it names the
 * file and says what to do. Anything else is returned as it is: an {@link OcilotError} is complete, and an error of a callback must not
 * look like a broken disk.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { ioError } from "@ocilot/layout";
 *
 * const bytes = await readFile("./policy.json").catch((error: unknown) => {
 *   throw ioError(error, "./policy.json"); // IO_ERROR or ACCESS_DENIED, with the path and a hint
 * });
 * console.log(bytes.length);
 * ```
 */
export function ioError(error: unknown, path: string): Error {
  if (!(error instanceof Error) || !("syscall" in error)) return error as Error;
  const errno = errnoOf(error);
  const syscall = String(error.syscall);
  if (errno !== undefined && DENIED.has(errno)) return accessDenied(error, path, { errno, syscall });
  const hint = errno === undefined ? undefined : HINTS[errno];
  return new OcilotError(
    "IO_ERROR",
    `${path}: ${errno ?? error.message} (${syscall})`,
    { path, syscall, ...(errno !== undefined && { errno }) },
    { cause: error, ...(hint !== undefined && { hint }) },
  );
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  EBUSY: "another program is using it",
  ETXTBSY: "another program is using it",
};

function accessDenied(error: Error, path: string, call: { errno: string; syscall: string }): OcilotError<"ACCESS_DENIED"> {
  const { errno, syscall } = call;
  const file = existing("path" in error && typeof error.path === "string" ? error.path : path);
  return new OcilotError(
    "ACCESS_DENIED",
    `${path}: ${REASONS[errno]}: ${errno} (${syscall})`,
    { path, ...call },
    { cause: error, hint: hintFor(errno, file) },
  );
}

/** The path, or the closest directory above it that exists: where a file cannot be made, the rights on that directory count. */
function existing(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      lstatSync(at);
      return at;
    } catch {
      if (dirname(at) === at || dirname(at) === ".") return path;
    }
  }
}

function hintFor(errno: string, file: string): string {
  if (errno === "EROFS") return "Write to a copy on another disk: ocilot copy --all LAYOUT NEW-DIRECTORY";
  if (errno === "EBUSY" || errno === "ETXTBSY")
    return `Close that program and run the command again; it is shown by: lsof ${shellWord(file)}`;
  return process.platform === "win32"
    ? `Check the permissions with: icacls "${file}"`
    : isOwn(file)
      ? `Give yourself access with: chmod u+rwX ${shellWord(file)}`
      : `Run the command as the file's owner, or take the file over with: sudo chown "$(id -un)" ${shellWord(file)}`;
}

/** True where the file belongs to this user and its mode alone is in the way. */
function isOwn(file: string): boolean {
  try {
    return lstatSync(file).uid === process.getuid?.();
  } catch {
    return false;
  }
}
