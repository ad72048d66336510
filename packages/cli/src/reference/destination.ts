import { statSync } from "node:fs";
import { isDrive, isRegistryReference, longestLayout, splitRegistryReference } from "@ocilot/layout";
import { usageError } from "../command-line/usage-error.js";
import { isArchiveName, refuseForeignArchive } from "./archive-suffix.js";
import { isDirectory } from "./is-directory.js";

/** Where a copy goes: a layout directory, a new archive, or a repository of a registry; and the tag that the image gets there. */
export interface Destination {
  readonly kind: "directory" | "archive" | "registry";
  /** `-` for standard output; of a registry the repository, with `docker://`. */
  readonly path: string;
  readonly tag?: string;
}

const PREFIX = /^(oci:|ocidir:\/\/|oci-archive:)/;

/**
 * Reads a destination: `PATH[:TAG]`. The path is the longest that is a layout or an archive; else what ends like an archive;
 * else all before the first colon, as skopeo reads it, so that a tag may be a full image name.
 * @throws OcilotError `USAGE`
 */
export function parseDestination(text: string): Destination {
  if (isRegistryReference(text)) return registryDestination(text);
  const prefix = PREFIX.exec(text)?.[1] ?? "";
  const rest = exists(text) ? text : text.slice(prefix.length);
  const [path, tag] = splitPath(rest);
  if (path === "") throw invalid(text, "has no path");
  if (tag === "") throw invalid(text, "has no tag after the colon");
  if (/@[a-z0-9+._-]+:[^/]*$/.test(rest) && !exists(rest)) throw invalid(text, "names a digest, which only content can give");
  const isArchive = path === "-" || prefix === "oci-archive:" || (isArchiveName(path) && !isDirectory(path));
  if (!isArchive && !isDirectory(path)) refuseForeignArchive(path, "dst");
  return { kind: isArchive ? "archive" : "directory", path, ...(tag !== undefined && { tag }) };
}

function registryDestination(text: string): Destination {
  const { path, rest } = splitRegistryReference(text);
  if (rest.includes("@")) throw invalid(text, "names a digest, which only content can give");
  return { kind: "registry", path, ...(rest !== "" && { tag: rest.slice(1) }) };
}

function splitPath(text: string): [path: string, tag?: string] {
  const known = longestLayout(text);
  if (known !== undefined) return split(text, known);
  // An archive to be written: its suffix ends the path.
  const archive = /^(?:-|.*?\.(?:tar|tar\.gz|tgz|tar\.zst|tzst))(?=:|$)/is.exec(text)?.[0];
  if (archive !== undefined && !archive.slice(firstFree(archive)).slice(0, -1).includes(":")) return split(text, archive.length);
  const colon = firstColon(text);
  return colon < 0 ? [text] : split(text, colon);
}

function split(text: string, end: number): [path: string, tag?: string] {
  return end === text.length ? [text] : [text.slice(0, end), text.slice(end + 1)];
}

/** Where the first directory name begins that does not exist: a colon before it belongs to a directory that does. */
function firstFree(text: string): number {
  for (let at = text.length; at > 0; at--) if (/[/\\]/.test(text[at]!) && isDirectory(text.slice(0, at))) return at + 1;
  return 0;
}

function firstColon(text: string): number {
  for (let at = firstFree(text); at < text.length; at++) if (text[at] === ":" && !isDrive(text, at)) return at;
  return -1;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function invalid(text: string, why: string): Error {
  return usageError(`the destination ${text} ${why}`, "dst", "Write DIR, DIR:TAG, FILE.tar, FILE.tar:TAG or docker://HOST/REPOSITORY:TAG.");
}
