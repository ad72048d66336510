import { lstatSync, statSync } from "node:fs";
import type { ArchiveOptions } from "./archive/archive-options.js";
import { Layout, type LayoutOptions } from "./directory-layout.js";

/** Opens a reference with a scheme. Gets the whole reference. */
export type LayoutOpener = (reference: string, options: OpenLayoutOptions) => Promise<Layout>;

/** How a layout of any kind is opened. */
export interface OpenLayoutOptions extends LayoutOptions, ArchiveOptions {
  /** Functions for further schemes, by prefix: `{ "docker://": openRepository }`. */
  readonly openers?: Readonly<Record<string, LayoutOpener>>;
}

/**
 * Opens a layout: a directory or a tar. `-` is standard input. The prefixes `oci:` and `ocidir://` ask for a directory, `oci-archive:` and
 * `docker-archive:` for an archive; an existing path that begins with one of them comes first. `openers` open further schemes.
 * @throws OcilotError what `Layout.open`, `openArchive` and the openers throw
 * @example
 * ```ts
 * import { openLayout } from "@ocilot/layout";
 *
 * await using layout = await openLayout("./images.tar");
 * for (const { descriptor, tag } of (await layout.index.read()).entries) console.log(tag, descriptor.digest);
 * ```
 */
export async function openLayout(path: string, options: OpenLayoutOptions = {}): Promise<Layout> {
  const scheme = Object.keys(options.openers ?? {}).find((s) => path.startsWith(s));
  if (scheme !== undefined && !exists(path)) return await options.openers![scheme]!(path, options);
  const [, prefix, rest] = exists(path) ? [] : (/^(oci:|ocidir:\/\/|oci-archive:|docker-archive:)(.*)$/s.exec(path) ?? []);
  const place = rest ?? path;
  const isFile = prefix === undefined ? place === "-" || isNoDirectory(place) : prefix.endsWith("archive:");
  return isFile ? await openArchive(place, options) : await Layout.open(place, options);
}

/**
 * Opens a tar of a layout for reading without unpacking it: plain, gzip, zstd (with Node 22.15 or newer), or `-` for standard input. A
 * docker archive without a layout is read as one. Close the layout in the end.
 * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `ARCHIVE_INVALID`, `LAYOUT_INVALID`, `LIMIT_EXCEEDED`, `UNSAFE_NAME`,
 * `LINK_OUTSIDE`, `UNSUPPORTED`, `ACCESS_DENIED`, `IO_ERROR`, `ABORTED`
 * @example
 * ```ts
 * import { openArchive } from "@ocilot/layout";
 *
 * const layout = await openArchive("./layout.tar.gz", { maxSize: 4 << 30 });
 * console.log((await layout.resolve("v1")).digest);
 * await layout.close();
 * ```
 */
export async function openArchive(path: string, options: ArchiveOptions = {}): Promise<Layout> {
  // Reading a directory needs none of it.
  const { openArchiveBackend } = await import("./archive/open-archive.js");
  return new Layout(await openArchiveBackend(path, options));
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
