import { lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type Descriptor,
  type Digest,
  type IndexSnapshot,
  type Layout,
  MARKER_FILE,
  OcilotError,
  type OpenLayoutOptions,
  isArchive,
  isDigest,
  openLayout,
  parseDigest,
  resolveReference,
} from "@ocilot/layout";
import { usageError } from "./usage-error.js";

/** A reference taken apart: the path of the layout, and what names something in it. */
export interface Reference {
  readonly text: string;
  readonly path: string;
  /** What follows the path: `:tag`, `@digest`, both, or nothing. */
  readonly rest: string;
}

const PREFIX = /^(?:oci:|ocidir:\/\/|oci-archive:|docker-archive:)/;

/**
 * Takes a reference apart. The longest prefix that is a layout on the disk is the path, so that a path may hold colons.
 * Where none is a layout, the path is the longest that exists, else what stands before the tag.
 */
export function parseReference(text: string): Reference {
  const stripped = text.replace(PREFIX, "");
  const forms = stripped === text ? [text] : [text, stripped];
  for (const test of [isLayout, exists]) {
    for (const form of forms) {
      const end = splitPoints(form).find((at) => test(form.slice(0, at)));
      if (end !== undefined) return { text, path: form.slice(0, end), rest: form.slice(end) };
    }
  }
  const end = guessEnd(stripped);
  return { text, path: stripped.slice(0, end), rest: stripped.slice(end) };
}

/**
 * A layout as the only argument: a path, with or without a prefix.
 * @throws OcilotError `USAGE` where a tag or digest follows it
 */
export function parseLayoutPath(text: string): string {
  const { path, rest } = parseReference(text);
  if (rest === "") return path;
  throw exists(path)
    ? usageError(`${text}: this command takes a whole layout, not a reference into it`, "layout", `Leave out ${rest}.`)
    : new OcilotError("PATH_NOT_FOUND", `${text} does not exist`, { path: text });
}

/**
 * What a reference names. A tag with a digest must agree.
 * @throws OcilotError `USAGE`, `REF_NOT_FOUND`, `REF_AMBIGUOUS`, `DIGEST_INVALID`, and what reading `index.json` throws
 */
export async function resolveIn(layout: Layout, reference: Reference, snapshot?: IndexSnapshot): Promise<Descriptor> {
  const { rest, text } = reference;
  const index = snapshot ?? (await layout.index.read());
  const resolve = async (ref: string): Promise<Descriptor> => await resolveReference(index, layout.blobs, ref);
  if (!rest.startsWith(":")) return await resolve(rest);
  const name = rest.slice(1);
  if (name === "") throw usageError(`${text}: no tag follows the colon`, "ref");
  const at = name.lastIndexOf("@");
  const isExact = index.entries.some((e) => e.tag === name);
  if (isExact || at < 0 || !name.slice(at).includes(":")) return await resolve(name);
  const digest = parseDigest(name.slice(at + 1));
  const tagged = await resolve(name.slice(0, at));
  if (tagged.digest === digest) return tagged;
  throw new OcilotError(
    "REF_NOT_FOUND",
    `${name.slice(0, at)} is ${tagged.digest}, not ${digest}`,
    { reference: text, candidates: [`@${tagged.digest}`] },
    { hint: "Leave out the tag to name the digest, or the digest to follow the tag." },
  );
}

/** The digest that a reference names outright, if it does. */
export function digestIn({ rest }: Reference): Digest | undefined {
  return rest.startsWith("@") && isDigest(rest.slice(1)) ? (rest.slice(1) as Digest) : undefined;
}

/** Opens the layout of a reference, a directory or an archive. @throws OcilotError what `openLayout` throws */
export async function openReference(text: string, options: OpenLayoutOptions = {}): Promise<{ layout: Layout; reference: Reference }> {
  const reference = parseReference(text);
  return { layout: await openLayout(reference.path, options), reference };
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

/** `C:\layout` and `C:/layout` have no tag. */
function isDrive(text: string, colon: number): boolean {
  return colon === 1 && /^[A-Za-z]:(?:[\\/]|$)/.test(text);
}

function isLayout(path: string): boolean {
  if (path === "-") return true;
  try {
    return statSync(path).isDirectory() ? lstatSync(join(path, MARKER_FILE)) !== undefined : isArchive(path);
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

/** Tells a layout directory from an archive, with or without a prefix. */
export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
