import { type Digest, type RecordEdit, type IndexEntry, KIND, manifestKind } from "@ocilot/layout/web";
import { parseDigestTag } from "../conventions/digest-tag.js";
import type { IndexChange, RecordKey } from "../records/projection.js";
import { compareKeys } from "../records/index-draft.js";
import { containerdSubject } from "../records/referrer-entries.js";
import { hasOnlyPlainMembers, isBareEntry, isPlainReferrerEntry } from "../records/entry-annotations.js";
import { LIST_ANNOTATION_KEYS } from "../records/list-annotations.js";
import { parseReferrersTag } from "../records/referrers-tag.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/** Manifests opened at once while one with a subject is looked for. */
const SLICE = 64;

/**
 * Of a layout whose referrers have an entry each: the entries of `digests`, and one entry of each convention in use.
 * Nothing else has to be opened to add one more. Undefined where a list, a bare entry or a name may depend on the others.
 */
export async function nearbyEntries(view: LayoutView, digests: readonly Digest[]): Promise<LayoutView | undefined> {
  if (Object.keys(view.annotations).length > 0 || view.entries.some(dependsOnOthers)) return undefined;
  const stay = new Set<IndexEntry | undefined>([
    view.entries.find((e) => containerdSubject(e) !== undefined),
    await lastReferrer(
      view,
      view.entries.filter((e) => isUntagged(e) && containerdSubject(e) === undefined),
    ),
  ]);
  return view.narrow((entry) => stay.has(entry) || digests.includes(entry.descriptor.digest));
}

/** A list, or an entry whose meaning comes from what else is listed. */
function dependsOnOthers(entry: IndexEntry): boolean {
  const { annotations } = entry.descriptor;
  const isMarked = [...LIST_ANNOTATION_KEYS, KIND].some((key) => annotations?.[key] !== undefined);
  const isNamed = entry.tag !== undefined && (parseReferrersTag(entry.tag) ?? parseDigestTag(entry.tag)) !== undefined;
  return isMarked || isNamed || isBareEntry(entry);
}

function isUntagged({ descriptor, tag }: IndexEntry): boolean {
  return tag === undefined && manifestKind(descriptor.mediaType) !== undefined;
}

function isRecordLike(entry: IndexEntry): boolean {
  return isUntagged(entry) && hasOnlyPlainMembers(entry.descriptor);
}

/** From the end, where new ones are put. */
async function lastReferrer(view: LayoutView, entries: readonly IndexEntry[]): Promise<IndexEntry | undefined> {
  for (let end = entries.length; end > 0; end -= SLICE) {
    const slice = entries.slice(Math.max(end - SLICE, 0), end);
    const nodes = await view.nodes(slice.map((e) => e.descriptor));
    const found = slice.findLast((_, i) => manifestOf(nodes[i])?.subject !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Gives what is added its place as `placeChanges` does where the records at the end are in order and nothing untagged stands between
 * them, and opens only what it compares with.
 */
export async function insertionEdits(view: LayoutView, changes: readonly IndexChange[]): Promise<RecordEdit[]> {
  const edits: RecordEdit[] = changes.filter((c) => c.op !== "add");
  const added = changes.filter((c) => c.op === "add").toSorted((a, b) => compareKeys(a.key, b.key));
  const end = view.entries.length;
  const last = view.entries.at(-1);
  const first =
    last === undefined || (await keyOf(view, last)) === undefined ? end : view.entries.findLastIndex((e) => !isRecordLike(e)) + 1;
  for (const { key, descriptor } of added) {
    let [low, high] = [first, end];
    while (low < high) {
      const middle = (low + high) >> 1;
      const there = await keyOf(view, view.entries[middle]!);
      if (there !== undefined && compareKeys(there, key) > 0) high = middle;
      else low = middle + 1;
    }
    edits.push({ op: "insert", before: low, descriptor });
  }
  return edits;
}

async function keyOf(view: LayoutView, entry: IndexEntry): Promise<RecordKey | undefined> {
  if (!isRecordLike(entry)) return undefined;
  const [node] = await view.nodes([entry.descriptor]);
  const manifest = manifestOf(node);
  const isRecord = manifest?.subject !== undefined && isPlainReferrerEntry(entry, manifest);
  return isRecord ? { rank: "referrer", subject: manifest.subject.digest, digest: entry.descriptor.digest } : undefined;
}
