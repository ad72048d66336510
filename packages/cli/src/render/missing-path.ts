import { readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { nearest } from "../nearest.js";
import { commandLine } from "./shell-quote.js";

/** Names of one directory that are compared; in a larger one nothing is suggested. */
const MANY_NAMES = 1000;

/** Says what to do about a path that does not exist: which name was probably meant, or where to look. */
export function missingPathHint(path: string): string | undefined {
  if (path === "") return undefined;
  const names = namesIn(dirname(path));
  const near = names === undefined || names.length > MANY_NAMES ? undefined : nearest(basename(path), names);
  if (near !== undefined) return `Did you mean ${commandLine(path.includes("/") ? join(dirname(path), near) : near)}?`;
  let at = dirname(resolve(path));
  while (namesIn(at) === undefined && dirname(at) !== at) at = dirname(at);
  return `List what is there with: ${commandLine("ls", at)}`;
}

function namesIn(directory: string): string[] | undefined {
  try {
    return readdirSync(directory);
  } catch {
    return undefined;
  }
}
