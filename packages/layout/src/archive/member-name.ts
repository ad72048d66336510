import { OcilotError } from "../errors.js";
import { shown } from "./archive-error.js";

/** The longest name, in bytes: that of a path on Linux. */
export const MAX_NAME_BYTES = 4096;
/** The most components of a name. A layout has three. */
const MAX_DEPTH = 100;

/**
 * Returns the name of a member without `./`, doubled slashes and a final slash; empty for the root of the archive.
 * @param isNamed refuse the empty name: only a directory may be the root
 * @throws OcilotError `UNSAFE_NAME` for an absolute name, one with `..` or NUL, one that is too long or too deep
 */
export function memberName(archive: string, raw: string, isNamed: boolean): string {
  const unsafeReason = unsafe(raw);
  const name = unsafeReason === undefined ? clean(raw) : "";
  const reason = unsafeReason ?? (isNamed && name === "" ? "is empty" : undefined);
  if (reason === undefined) return name;
  throw new OcilotError(
    "UNSAFE_NAME",
    `${archive}: the member name ${shown(raw)} ${reason}`,
    { name: raw },
    { hint: "Do not unpack this archive with other tools: it may write outside the directory. Ask its author." },
  );
}

function unsafe(raw: string): string | undefined {
  if (raw.includes("\0")) return "contains NUL";
  if (raw.length > MAX_NAME_BYTES || new TextEncoder().encode(raw).length > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  if (raw.startsWith("/") || /^[A-Za-z]:[\\/]/.test(raw)) return "is absolute";
  const parts = raw.split(/[\\/]/);
  if (parts.includes("..")) return "leads out of the archive";
  return parts.filter((part) => part !== "" && part !== ".").length > MAX_DEPTH ? `has more than ${MAX_DEPTH} components` : undefined;
}

function clean(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/**
 * Returns the name of the member that a link leads to, or undefined if it leads out of the archive. A symbolic link starts from its own
 * directory, a hard link from the root.
 */
export function linkTarget(from: string, target: string, kind: "link" | "symlink"): string | undefined {
  if (target === "" || target.includes("\0") || target.includes("\\") || target.startsWith("/")) return undefined;
  const at = kind === "symlink" ? from.split("/").slice(0, -1) : [];
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") at.push(part);
    else if (at.pop() === undefined) return undefined;
  }
  return at.join("/");
}
