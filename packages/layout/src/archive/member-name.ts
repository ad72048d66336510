import { OcilotError } from "../errors.js";
import { shown } from "./archive-error.js";

/** As long as a path may be on Linux. */
export const MAX_NAME_BYTES = 4096;

/**
 * A member's name in one spelling: without `./`, doubled slashes or a final slash; empty for the archive's root.
 * @param isNamed refuses that empty name: only a directory may be the root
 * @throws OcilotError `UNSAFE_NAME` for an absolute name, for `..`, for NUL
 */
export function memberName(archive: string, raw: string, isNamed: boolean): string {
  const name = clean(raw);
  const reason = isNamed && name === "" ? "names nothing" : unsafe(raw);
  if (reason === undefined) return name;
  throw new OcilotError(
    "UNSAFE_NAME",
    `${archive}: the member name ${shown(raw)} ${reason}`,
    { name: raw },
    { hint: "Do not unpack this archive with other tools: it may write outside the directory. Ask whoever made it." },
  );
}

function unsafe(raw: string): string | undefined {
  if (raw.includes("\0")) return "holds a NUL";
  if (raw.startsWith("/") || /^[A-Za-z]:[\\/]/.test(raw)) return "is absolute";
  if (raw.split(/[\\/]/).includes("..")) return "leads upwards";
  return Buffer.byteLength(raw) > MAX_NAME_BYTES ? `is longer than ${MAX_NAME_BYTES} bytes` : undefined;
}

function clean(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/**
 * Where a link leads, as a member's name, or undefined if it leaves the archive. A symbolic link starts from its own
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
