import { lstatSync, statSync } from "node:fs";
import type { ArchiveOptions } from "./archive/open-archive.js";
import { Layout, type LayoutOptions } from "./layout.js";

/** How a layout is opened, whatever kind it is. */
export interface OpenLayoutOptions extends LayoutOptions, ArchiveOptions {}

/**
 * Opens what is there: a directory, or a tar of a layout. `-` is standard input. The prefixes `oci:` and `ocidir://` say that
 * it has to be a directory, `oci-archive:` and `docker-archive:` that it has to be an archive; a path that really begins so
 * comes first.
 * @throws OcilotError what `Layout.open` and `Layout.openArchive` throw
 */
export async function openLayout(path: string, options: OpenLayoutOptions = {}): Promise<Layout> {
  const [, prefix, rest] = exists(path) ? [] : (/^(oci:|ocidir:\/\/|oci-archive:|docker-archive:)(.*)$/s.exec(path) ?? []);
  const place = rest ?? path;
  const isFile = prefix === undefined ? place === "-" || isNoDirectory(place) : prefix.endsWith("archive:");
  return isFile ? await Layout.openArchive(place, options) : await Layout.open(place, options);
}

function exists(path: string): boolean {
  try {
    return lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}

function isNoDirectory(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false;
  }
}
