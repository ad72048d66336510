import {
  type Descriptor,
  type Digest,
  IMAGE_INDEX,
  type IndexEdit,
  type IndexSnapshot,
  MAX_MANIFEST_BYTES,
  OcilotError,
  editIndex,
  parseIndex,
  parseManifest,
} from "@ocilot/layout/spec";
import { digestOf } from "@ocilot/layout";
import { responseText, sameLine } from "@ocilot/referrers";
import type { FetchedManifest } from "../client/types.js";

/** What is to be in a list of referrers, and what not. */
export interface ListChange {
  readonly added: readonly Descriptor[];
  readonly removed: readonly Digest[];
}

/**
 * The referrers that the manifest under a referrers tag lists; undefined where it is something else under a tag of that form: no index, an index
 * with a subject or platforms of its own, or an image under its own digest, as `cosign copy` leaves one.
 */
export function listedReferrers({ descriptor, bytes }: FetchedManifest, tag: string): readonly Descriptor[] | undefined {
  if (descriptor.mediaType !== IMAGE_INDEX || tag === descriptor.digest.replace(":", "-")) return undefined;
  const { subject, manifests } = parseManifest(bytes, descriptor.mediaType, descriptor.digest);
  return subject !== undefined || manifests.some((d) => d.platform !== undefined) ? undefined : manifests;
}

/**
 * The text of a list with a change made: a new one is what a registry would answer, in one that is there every other byte stays as it was.
 * A line that says something wrong of what is added is replaced. Undefined where nothing has to change.
 * @throws OcilotError `WRITE_REFUSED` where the tag is on something else, `LIMIT_EXCEEDED`
 */
export function changedList(current: FetchedManifest | undefined, tag: string, { added, removed }: ListChange): string | undefined {
  if (current === undefined) return added.length === 0 ? undefined : checkSize(responseText(added), tag);
  if (listedReferrers(current, tag) === undefined) throw notAList(current, tag);
  const base = parseIndex(current.bytes, digestOf(current.bytes));
  const edits = listEdits(base, { added, removed });
  return edits.length === 0 ? undefined : checkSize(editIndex(base, edits), tag);
}

/** Tells whether a list says what it is to say. */
export function hasChange(current: FetchedManifest | undefined, tag: string, change: ListChange): boolean {
  return changedList(current, tag, change) === undefined;
}

function listEdits(base: IndexSnapshot, { added, removed }: ListChange): IndexEdit[] {
  const edits: IndexEdit[] = [];
  const gone = new Set(removed);
  const wanted = new Map(added.map((d) => [d.digest, d]));
  const right = new Set<Digest>();
  for (const { position, descriptor } of base.entries) {
    const line = wanted.get(descriptor.digest);
    const isRight = line !== undefined && !right.has(descriptor.digest) && sameLine(descriptor, line);
    if (isRight) right.add(descriptor.digest);
    else if (line !== undefined || gone.has(descriptor.digest)) edits.push({ op: "remove", position });
  }
  for (const descriptor of added) {
    if (!right.has(descriptor.digest)) edits.push({ op: "insert", before: base.entries.length, descriptor });
  }
  return edits;
}

function checkSize(text: string, tag: string): string {
  const found = Buffer.byteLength(text);
  if (found <= MAX_MANIFEST_BYTES) return text;
  throw new OcilotError(
    "LIMIT_EXCEEDED",
    `the list of referrers ${tag} would have ${found} bytes, and clients read none of more than ${MAX_MANIFEST_BYTES}`,
    {
      what: "manifest size",
      limit: MAX_MANIFEST_BYTES,
      found,
    },
  );
}

function notAList({ descriptor }: FetchedManifest, tag: string): OcilotError<"WRITE_REFUSED"> {
  return new OcilotError(
    "WRITE_REFUSED",
    `the tag ${tag} is needed for a list of referrers and points to ${descriptor.digest}, which is something else`,
    { reason: "tag-taken" },
    { hint: "Give that manifest another tag, then delete this one." },
  );
}
