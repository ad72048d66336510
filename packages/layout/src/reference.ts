import { statSync } from "node:fs";
import { isArchive } from "./archive/is-archive.js";
import { isLayoutDirectory } from "./directory/directory-backend.js";
import { isRegistryReference, splitRegistryReference } from "./spec/registry-reference.js";

/** A reference taken apart: the path of the layout, and what names something in it. */
export interface Reference {
  /** As it was given. */
  readonly text: string;
  /** What `openLayout` takes: a directory, an archive, `-`, or with `docker://` a repository. */
  readonly path: string;
  /** What follows the path: `:tag`, `@digest`, both, or nothing. */
  readonly rest: string;
  /** `rest` as `Layout.resolve` takes it: a tag, `@digest`, or nothing for the only image. Of a tag and a digest it is the digest. */
  readonly ref: string;
}

const PREFIX = /^(?:oci:|ocidir:\/\/|oci-archive:|docker-archive:)/;

/**
 * Returns the parts of a reference, as the command line reads it: `PATH`, `PATH:TAG`, `PATH@DIGEST`, `docker://HOST/REPOSITORY:TAG`, or a path
 * behind `oci:`, `ocidir://`, `oci-archive:` or `docker-archive:`. The longest prefix that is a layout on the disk is the path, so that a path
 * may hold colons. Where none is a layout, the path is the longest that exists, else what stands before the tag. Opens nothing.
 * @example
 * ```ts
 * import { openLayout, parseReference } from "@ocilot/layout";
 *
 * const { path, ref } = parseReference("./layout:v1");
 * const layout = await openLayout(path);
 * console.log(await layout.resolve(ref));
 * ```
 */
export function parseReference(text: string): Reference {
  const { path, rest } = isRegistryReference(text) ? splitRegistryReference(text) : splitPath(text);
  const digest = /@[a-z0-9+._-]+:[^@/]*$/.exec(rest)?.[0];
  return { text, path, rest, ref: digest ?? rest.replace(/^:/, "") };
}

function splitPath(text: string): { path: string; rest: string } {
  const stripped = text.replace(PREFIX, "");
  const forms = stripped === text ? [text] : [text, stripped];
  for (const test of [isLayout, exists]) {
    for (const form of forms) {
      const end = splitPoints(form).find((at) => test(form.slice(0, at)));
      if (end !== undefined) return { path: form.slice(0, end), rest: form.slice(end) };
    }
  }
  const end = guessEnd(stripped);
  return { path: stripped.slice(0, end), rest: stripped.slice(end) };
}

/** Where a path may end, the longest first: at the end, before a colon, before an at sign. */
function splitPoints(text: string): number[] {
  const points = [text.length];
  for (let i = text.length - 1; i > 0; i--) {
    if ((text[i] === ":" && !isDrive(text, i)) || text[i] === "@") points.push(i);
  }
  return points;
}

/** Without a file system to ask: before the digest and then before the tag, which holds no slash. */
function guessEnd(text: string): number {
  const at = /@[a-z0-9+._-]+:[^/\\]*$/.exec(text)?.index ?? text.length;
  const head = text.slice(0, at);
  const colon = /:[^:/\\]*$/.exec(head)?.index ?? -1;
  return colon > 0 && !isDrive(head, colon) ? colon : at;
}

/**
 * Returns where the longest prefix ends that is a layout directory or an archive, if any is.
 * @internal Exported for the command line, which takes references apart in the same way.
 */
export function longestLayout(text: string): number | undefined {
  return splitPoints(text).find((end) => isLayout(text.slice(0, end)));
}

/**
 * Tells whether a colon belongs to a drive: `C:\layout` and `C:/layout` have no tag.
 * @internal Exported for the command line, which takes references apart in the same way.
 */
export function isDrive(text: string, colon: number): boolean {
  return colon === 1 && /^[A-Za-z]:(?:[\\/]|$)/.test(text);
}

function isLayout(path: string): boolean {
  if (path === "-") return true;
  try {
    return statSync(path).isDirectory() ? isLayoutDirectory(path) : isArchive(path);
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
