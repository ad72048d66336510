import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { OcilotError } from "../errors.js";
import { errnoOf } from "./io-error.js";

/** The calls that {@link makeDirectory} makes. */
export interface DirectoryCalls {
  /** Makes one directory. */
  readonly make: (path: string, mode: number) => void;
  /** Whether a directory is at the path, behind links too. */
  readonly isDirectory: (path: string) => boolean;
}

const SYSTEM: DirectoryCalls = {
  make: (path, mode) => mkdirSync(path, { mode }),
  isDirectory: (path) => {
    try {
      return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    } catch (error) {
      // Below a file Node 20 fails, and Node 24 finds nothing.
      if (errnoOf(error) === "ENOTDIR") return false;
      throw error;
    }
  },
};

/**
 * Makes a directory and those above it that do not exist, one after the other. Returns the first that it made, or undefined. (`mkdir` of Node
 * with `recursive` never returns below a directory that exists and takes no new one, like `/proc`.)
 * @throws OcilotError `IO_ERROR` where the system takes no new directory; other file-system errors as they come
 * @example
 * ```ts
 * import { makeDirectory } from "@ocilot/layout";
 *
 * console.log(makeDirectory("./reports/2026/11")); // the first that it made: …/reports
 * ```
 */
export function makeDirectory(path: string, mode = 0o777, calls: DirectoryCalls = SYSTEM): string | undefined {
  const missing: string[] = [];
  for (let at = resolve(path); !calls.isDirectory(at); at = dirname(at)) {
    missing.unshift(at);
    if (dirname(at) === at) break;
  }
  let first: string | undefined;
  for (const directory of missing) {
    try {
      calls.make(directory, mode);
      first ??= directory;
    } catch (error) {
      // Another process may have made it meanwhile.
      if (errnoOf(error) === "EEXIST" && calls.isDirectory(directory)) continue;
      throw errnoOf(error) === "ENOENT" && calls.isDirectory(dirname(directory)) ? takesNone(directory, error) : error;
    }
  }
  return first;
}

function takesNone(directory: string, cause: unknown): OcilotError<"IO_ERROR"> {
  return new OcilotError(
    "IO_ERROR",
    `${directory}: no directory can be made in ${dirname(directory)}`,
    { path: directory, errno: "ENOENT", syscall: "mkdir" },
    { cause, hint: "Name a place on a disk: df shows where there is room." },
  );
}
