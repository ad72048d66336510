import { OcilotError } from "../errors.js";
import { shellWord } from "../filesystem/shell-word.js";
import { isRecord } from "../spec/guards.js";
import { INDEX_FILE } from "../spec/index-snapshot.js";
import { readJson } from "../spec/json.js";
import { LAYOUT_VERSION, MARKER_FILE } from "../spec/layout-marker.js";
import type { LayoutWarning } from "../storage.js";
import { shown } from "./archive-error.js";
import type { NamedContent } from "./members.js";

/** Where in an archive the layout is, and what is unusual about it. */
export interface FoundLayout {
  readonly kind: "layout" | "docker-archive";
  /** The files by their name below the layout's root, without those of macOS. */
  readonly files: ReadonlyMap<string, NamedContent>;
  readonly warnings: readonly LayoutWarning[];
}

/** AppleDouble files (`._name`), folder settings and the folder that Finder puts into archives. */
const MACOS = /(?:^|\/)(?:\._[^/]*|\.DS_Store)$|^__MACOSX(?:\/|$)/;

/**
 * Finds the layout in an archive: at its root, or in the one folder that holds everything. `index.json` decides; `manifest.json` alone is
 * a docker archive.
 * @throws OcilotError `NOT_A_LAYOUT`
 */
export function findLayout(location: string, all: ReadonlyMap<string, NamedContent>): FoundLayout {
  const own = [...all].filter(([name]) => !MACOS.test(name));
  const warnings: LayoutWarning[] = own.length < all.size ? [macosWarning(location, all.size - own.length)] : [];
  const root = new Map(own);
  const found = kindOf(root);
  if (found !== undefined) return { kind: found, files: root, warnings };
  const folder = topFolder(own.map(([name]) => name));
  const below = new Map(folder === undefined ? [] : own.map(([name, content]) => [name.slice(folder.length), content] as const));
  const kind = kindOf(below);
  if (kind === undefined) throw notALayout(location, `holds neither ${INDEX_FILE} nor manifest.json`, "no-index");
  return { kind, files: below, warnings: [...warnings, topFolderWarning(location, folder!)] };
}

function kindOf(files: ReadonlyMap<string, unknown>): FoundLayout["kind"] | undefined {
  if (files.has(INDEX_FILE)) return "layout";
  return files.has("manifest.json") ? "docker-archive" : undefined;
}

/** The folder that all names are in, with its slash; undefined if there is no such folder. */
function topFolder(names: readonly string[]): string | undefined {
  const first = names[0] ?? "";
  const folder = first.slice(0, first.indexOf("/") + 1);
  return folder !== "" && names.every((name) => name.startsWith(folder)) ? folder : undefined;
}

/** Refuses `manifest.json` of a `dir:` of skopeo: an image manifest beside blobs that are named by their hex digits. */
export function refuseSkopeoDirectory(location: string, manifest: Uint8Array, hint: string): void {
  let value: unknown;
  try {
    ({ value } = readJson(manifest, "manifest.json"));
  } catch {
    return;
  }
  if (isRecord(value) && value["schemaVersion"] !== undefined)
    throw notALayout(
      location,
      `is in the dir: format of skopeo: manifest.json is one image manifest, and there is no ${INDEX_FILE}`,
      "skopeo-dir",
      hint,
    );
}

/** Returns the warning about files that are not part of a layout. */
export function foreignFilesWarning(location: string, names: readonly string[]): LayoutWarning {
  const some = names.slice(0, 3).map(shown).join(", ");
  const count = names.length === 1 ? "a file is" : `${names.length} files are`;
  return {
    code: "FOREIGN_FILES",
    message: `${location}: ${count} not part of the layout and not read: ${some}${names.length > 3 ? ", …" : ""}`,
  };
}

/** Returns the warning about an archive without `oci-layout`. */
export function markerMissingWarning(location: string): LayoutWarning {
  return {
    code: "MARKER_MISSING",
    message: `${location}: ${MARKER_FILE} is missing; ${INDEX_FILE} is read as that of a layout of version ${LAYOUT_VERSION}`,
    hint: rewriteHint(location),
  };
}

/** Returns the warning about an archive without the two blocks of zeros at its end. */
export function noEndMarkWarning(location: string): LayoutWarning {
  return {
    code: "NO_END_MARK",
    message: `${location}: the archive has no end mark; it may have been cut short between two files`,
    hint: `Compare its size with that of the original, then write one with an end mark: ${copyCommand(location)}`,
  };
}

function macosWarning(location: string, count: number): LayoutWarning {
  return {
    code: "MACOS_FILES",
    message: `${location}: ${count === 1 ? "a file" : `${count} files`} of macOS (._…, .DS_Store) ${count === 1 ? "is" : "are"} skipped; other tools take them for content`,
    hint: rewriteHint(location),
  };
}

function topFolderWarning(location: string, folder: string): LayoutWarning {
  return {
    code: "TOP_FOLDER",
    message: `${location}: all members are in the folder ${shown(folder)}; other tools look for ${INDEX_FILE} at the top of the archive`,
    hint: rewriteHint(location),
  };
}

function rewriteHint(location: string): string {
  return `Write a clean archive with: ${copyCommand(location)}`;
}

function copyCommand(location: string): string {
  return location === "standard input" ? "ocilot copy --all - NEW.tar" : `ocilot copy --all ${shellWord(location)} NEW.tar`;
}

/** Returns the error for a path that holds no layout. */
export function notALayout(
  path: string,
  why: string,
  reason: NonNullable<OcilotError<"NOT_A_LAYOUT">["details"]["reason"]>,
  hint = "Name a directory or a tar that holds oci-layout, index.json and blobs/.",
): OcilotError<"NOT_A_LAYOUT"> {
  return new OcilotError("NOT_A_LAYOUT", `${path} ${why}`, { path, reason }, { hint });
}
