import {
  type Layout,
  OcilotError,
  type OpenLayoutOptions,
  type Reference,
  isArchive,
  isRegistryReference,
  openLayout,
  parseReference,
} from "@ocilot/layout";
import type { RegistrySessionOptions } from "@ocilot/registry";
import { usageError } from "../command-line/usage-error.js";
import { commandLine } from "../render/shell-quote.js";
import { registryOpeners } from "./registry-reference.js";
import { isDirectory } from "./is-directory.js";

/** How a layout named on the command line is opened. */
export interface OpenOptions extends OpenLayoutOptions {
  /** How registries of `docker://` references are reached. */
  readonly registry?: RegistrySessionOptions;
  /** The command changes the layout: an archive is refused. */
  readonly write?: boolean;
}

/** An open layout and the reference that named it. */
export interface Opened {
  readonly layout: Layout;
  readonly reference: Reference;
}

/**
 * Opens the layout of a reference, a directory or an archive.
 * @throws OcilotError `WRITE_REFUSED` for an archive that the command would change, and what `openLayout` throws
 */
export async function openReference(text: string, options: OpenOptions = {}): Promise<Opened> {
  const reference = parseReference(text);
  return { layout: await openParsed(reference, options), reference };
}

/** As {@link openReference}, for a reference taken apart. Of a repository only what the reference names is looked at. */
export async function openParsed({ path, text }: Reference, options: OpenOptions = {}): Promise<Layout> {
  if (!isRegistryReference(path)) return await open(path, options);
  const { registry, ...given } = options;
  return await openLayout(text, { ...given, openers: registryOpeners(registry) });
}

/**
 * Opens a layout named as a whole, or a repository, of which a tag or digest may be named.
 * @throws OcilotError `USAGE` where a tag or digest follows the path, and as {@link openReference}
 */
export async function openWhole(text: string, options: OpenOptions = {}): Promise<Layout> {
  return isRegistryReference(text) ? await openParsed(parseReference(text), options) : await open(layoutPath(text), options);
}

/**
 * Returns the path of a layout named as a whole, with or without a prefix.
 * @throws OcilotError `USAGE` where a tag or digest follows the path, `WRITE_REFUSED` for a registry, `PATH_NOT_FOUND`
 */
export function layoutPath(text: string): string {
  if (isRegistryReference(text)) {
    throw new OcilotError(
      "WRITE_REFUSED",
      `${text}: this command works on layouts on disk, not in a registry`,
      { reason: "registry" },
      { hint: `Copy it to a directory first: ${commandLine("ocilot", "copy", text, "DIR")}` },
    );
  }
  const { path, rest } = parseReference(text);
  if (rest === "") return path;
  if (!exists(path)) throw new OcilotError("PATH_NOT_FOUND", `${text} does not exist`, { path: text });
  throw usageError(`${text}: this command takes a whole layout, not a reference into it`, "layout", `Leave out ${rest}`);
}

function exists(path: string): boolean {
  return path === "-" || isDirectory(path) || isArchiveFile(path);
}

async function open(path: string, { write = false, ...options }: OpenOptions): Promise<Layout> {
  if (write && !isDirectory(path) && isArchiveFile(path)) {
    throw new OcilotError(
      "WRITE_REFUSED",
      `${path} is an archive; archives cannot be changed in place`,
      { reason: "archive", file: path },
      { hint: `Copy it to a directory first: ${commandLine("ocilot", "copy", "--all", path, "DIR")}` },
    );
  }
  return await openLayout(path, options);
}

function isArchiveFile(path: string): boolean {
  try {
    return isArchive(path);
  } catch {
    return false;
  }
}
