import { existsSync } from "node:fs";
import { basename } from "node:path";
import { usageError } from "../usage-error.js";

/** A file to be stored as a layer: its path, or `-` for standard input. */
export interface LayerFile {
  readonly path: string;
  readonly mediaType: string;
  /** The base name; none for standard input. */
  readonly title?: string;
}

const DEFAULT_TYPE = "application/octet-stream";

/**
 * Reads `FILE[:MEDIATYPE]`. A file that exists under the whole text is that file, so that names may hold colons.
 * @throws OcilotError `USAGE`
 */
export function parseLayerFile(text: string): LayerFile {
  const typed = /^(.+?):([A-Za-z0-9][^/\s:]*\/[^/\s:]+)$/.exec(text);
  const isWhole = typed === null || (text !== "-" && existsSync(text));
  const path = isWhole ? text : typed[1]!;
  const mediaType = isWhole ? DEFAULT_TYPE : typed[2]!;
  if (path === "") throw usageError("a file name is empty", "file");
  return path === "-" ? { path, mediaType } : { path, mediaType, title: basename(path) };
}
