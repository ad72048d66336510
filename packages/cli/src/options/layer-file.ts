import { existsSync } from "node:fs";
import { basename } from "node:path";
import { usageError } from "../command-line/usage-error.js";

/** A file to be stored as a layer: its path, or `-` for standard input. */
export interface LayerFile {
  readonly path: string;
  /** As the user gives it. */
  readonly mediaType?: string;
  /** The base name; none for standard input. */
  readonly title?: string;
}

/**
 * Reads `FILE[:MEDIATYPE]`. A file that exists under the whole text is that file, so that names may hold colons.
 * @throws OcilotError `USAGE`
 */
export function parseLayerFile(text: string): LayerFile {
  const typed = /^(.+?):([A-Za-z0-9][^/\s:]*\/[^/\s:]+)$/.exec(text);
  const isWhole = typed === null || (text !== "-" && existsSync(text));
  const path = isWhole ? text : typed[1]!;
  if (path === "") throw usageError("a file name is empty", "file");
  return { path, ...(!isWhole && { mediaType: typed[2]! }), ...(path !== "-" && { title: basename(path) }) };
}
