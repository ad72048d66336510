import { isDirectory, parseReference } from "./reference.js";
import { usageError } from "./usage-error.js";

/** Where a copy goes: a layout directory, or a new archive; and the tag that the image gets there. */
export interface Destination {
  readonly kind: "directory" | "archive";
  /** `-` for standard output. */
  readonly path: string;
  readonly tag?: string;
}

const ARCHIVE = /^(oci-archive:)?(-|.*\.(?:tar|tar\.gz|tgz|tar\.zst|tzst))(?::([^:/\\]+))?$/s;

/**
 * Reads a destination. What ends like an archive is one, unless a directory of that name is there.
 * @throws OcilotError `USAGE`
 */
export function parseDestination(text: string): Destination {
  const match = ARCHIVE.exec(text);
  if (match !== null && !isDirectory(match[2]!))
    return { kind: "archive", path: match[2]!, ...(match[3] !== undefined && { tag: match[3] }) };
  const { path, rest } = parseReference(text);
  if (rest === "") return { kind: "directory", path };
  if (rest.startsWith(":") && rest.length > 1) return { kind: "directory", path, tag: rest.slice(1) };
  throw usageError(`${text} is not a place to copy to`, "dst", "Write DIR, DIR:TAG or FILE.tar.");
}
