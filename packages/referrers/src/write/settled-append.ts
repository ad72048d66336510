import {
  CONTAINERD_SUBJECT,
  DOCKER_REFERENCE_DIGEST,
  type Digest,
  IMAGE_SPEC_CONVERT,
  IMAGE_SPEC_SUBJECT,
  type IndexEntry,
  KIND,
  MAX_MANIFEST_BYTES,
  OLAREG_CONVERT,
  OLAREG_SUBJECT,
  isDigest,
  manifestKind,
  splitDigest,
} from "@ocilot/layout/web";
import { parseDigestTag } from "../conventions/digest-tag.js";
import { CONVENTIONS, conventionsFor } from "../conventions/registry.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { hasOnlyPlainMembers, isBareEntry, isPlainListEntry } from "../records/entry-annotations.js";
import type { DraftEdits } from "../records/draft-edits.js";
import { placeChanges } from "../records/index-draft.js";
import type { RecordKey } from "../records/projection.js";
import { containerdSubject, referrerEntry } from "../records/referrer-entries.js";
import { parseReferrersTag, referrersTag } from "../records/referrers-tag.js";
import { continuedList, responseText } from "../records/response-index.js";
import { claimedSubjects } from "../records/subject-view.js";
import { DETACHED } from "../view/detached.js";
import { type LayoutView, type NewBlob, manifestOf } from "../view/layout-view.js";

/** Entries that may be anything are opened, up to this number. */
const MAX_OPENED = 256;

/** The edits and the longer list, and the list that it replaces. */
export interface SettledAppend extends DraftEdits {
  readonly replaced: readonly Digest[];
}

/** The entries of a layout that uses `universal`, as far as they say themselves what they are. */
interface SortedEntries {
  /** Entries of the referrers of the subject, by digest. */
  readonly own: ReadonlyMap<Digest, IndexEntry>;
  readonly list: IndexEntry;
  /** Entries that say nothing of themselves. */
  readonly rest: readonly IndexEntry[];
  /** All subjects that entries of referrers name. */
  readonly subjects: ReadonlySet<Digest>;
}

/**
 * What records a new referrer of a subject whose records say the same in every part of `universal`: its list names exactly the referrers
 * whose entries name the subject. The list is continued as text and none of its manifests is opened, so nothing that is recorded changes,
 * right or wrong. Undefined where there is anything for the whole projection to look at.
 * @param view the layout with the new manifest as a planned blob
 */
export async function appendSettled(view: LayoutView, edge: ReferrerEdge): Promise<SettledAppend | undefined> {
  const { subject, referrer } = edge;
  if (conventionsFor(view.origin).length > CONVENTIONS.length || !isPlain(edge) || splitDigest(subject).algorithm !== "sha256")
    return undefined;
  const { annotations } = view;
  if (annotations[OLAREG_CONVERT] !== "true" || annotations[IMAGE_SPEC_CONVERT] !== "true" || annotations[DETACHED] !== undefined)
    return undefined;
  const sorted = sortEntries(view, subject, referrer.digest);
  if (sorted === undefined) return undefined;
  const children = await otherContent(view, subject, sorted);
  if (children === undefined || children.has(sorted.list.descriptor.digest) || children.has(referrer.digest)) return undefined;
  const blob = await longerList(view, edge, sorted);
  if (blob === undefined) return undefined;
  const { digest, size } = blob.descriptor;
  const keys = recordKeysOf(view, sorted, children);
  const edits = placeChanges(
    [
      { op: "retarget", position: sorted.list.position, digest, size },
      { op: "add", ...referrerEntry(edge, { [CONTAINERD_SUBJECT]: subject }) },
    ],
    view.entries.length,
    (position) => keys[position],
  );
  return { blobs: [blob], edits, replaced: [sorted.list.descriptor.digest] };
}

function isPlain({ link, verified, legacy, subjectDescriptor }: ReferrerEdge): boolean {
  return link === "S" && verified && legacy === undefined && subjectDescriptor !== undefined;
}

/** Undefined where an entry means more than its own annotations say, or the subject has not exactly one list. */
function sortEntries(view: LayoutView, subject: Digest, added: Digest): SortedEntries | undefined {
  const own = new Map<Digest, IndexEntry>();
  const subjects = new Set<Digest>();
  const rest: IndexEntry[] = [];
  const lists: IndexEntry[] = [];
  let isListed = false;
  for (const entry of view.entries) {
    const { descriptor, tag } = entry;
    if (descriptor.digest === added || descriptor.annotations?.[KIND] !== undefined) return undefined;
    if (descriptor.digest === subject) isListed = true;
    const mark = containerdSubject(entry);
    const said = mark === undefined ? claimedSubjects(entry) : undefined;
    if (mark !== undefined) {
      if (tag !== undefined || !isDigest(mark) || !hasOnlyPlainMembers(descriptor)) return undefined;
      subjects.add(mark);
      if (mark !== subject) continue;
      if (own.has(descriptor.digest)) return undefined;
      own.set(descriptor.digest, entry);
    } else if (said === undefined) rest.push(entry);
    else if (!isPlainListEntry(entry)) return undefined;
    else if (said.includes(subject)) lists.push(entry);
  }
  const [list, ...more] = lists;
  if (!isListed || list === undefined || more.length > 0 || rest.length > MAX_OPENED || subjects.has(added)) return undefined;
  const { annotations, digest } = list.descriptor;
  if (view.entries.some((e) => e !== list && e.descriptor.digest === digest)) return undefined;
  const isWhole =
    list.tag === referrersTag(subject) && annotations?.[OLAREG_SUBJECT] === subject && annotations[IMAGE_SPEC_SUBJECT] === subject;
  return isWhole && !subjects.has(digest) ? { own, list, rest, subjects } : undefined;
}

/**
 * Returns the digests that the other entries lead to, without themselves; undefined where there is a referrer of the subject among them that
 * has no entry of its own.
 */
async function otherContent(view: LayoutView, subject: Digest, { own, rest }: SortedEntries): Promise<Set<Digest> | undefined> {
  const positions = new Set(rest.map((e) => e.position));
  // The subject of a list under a shortened tag is in the list alone, and an image index may have a tag made of its own digest.
  const isTagOfDigest = (tag: string): boolean => parseDigestTag(tag) !== undefined || parseReferrersTag(tag) !== undefined;
  if (rest.some(({ tag }) => tag !== undefined && isTagOfDigest(tag))) return undefined;
  const children = new Set<Digest>();
  for (const { node } of await view.narrow((e) => positions.has(e.position)).reach()) {
    if (node.state === "damaged") return undefined;
    const manifest = manifestOf(node);
    if (manifest?.subject?.digest === subject && !own.has(node.descriptor.digest)) return undefined;
    for (const child of manifest?.manifests ?? []) {
      if (child.annotations?.[DOCKER_REFERENCE_DIGEST] === subject && !own.has(child.digest)) return undefined;
      children.add(child.digest);
    }
  }
  return children;
}

/** The list with one line more; undefined if it is not one of ocilot's, to the byte, that names what the entries name. */
async function longerList(view: LayoutView, edge: ReferrerEdge, { own, list }: SortedEntries): Promise<NewBlob | undefined> {
  if (manifestKind(list.descriptor.mediaType) !== "index") return undefined;
  const manifest = manifestOf((await view.nodes([list.descriptor]))[0]);
  if (manifest === undefined || manifest.subject !== undefined) return undefined;
  const lines = manifest.manifests;
  const named = new Set(lines.map((line) => line.digest));
  if (lines.length === 0 || named.size !== lines.length || named.size !== own.size) return undefined;
  const isSame = lines.every((line) => {
    const entry = own.get(line.digest)?.descriptor;
    return entry?.size === line.size && entry.mediaType === line.mediaType && entry.artifactType === line.artifactType;
  });
  const text = isSame ? responseText(lines) : "";
  if (view.digestOf(text) !== list.descriptor.digest) return undefined;
  const blob = continuedList(text, [edge], view.digestOf);
  return blob.descriptor.size > MAX_MANIFEST_BYTES ? undefined : blob;
}

/** As `recordKeys` gives them where every entry is what it says. */
function recordKeysOf({ entries }: LayoutView, { subjects }: SortedEntries, children: ReadonlySet<Digest>): (RecordKey | undefined)[] {
  const elsewhere = new Set(children);
  for (const entry of entries) if (!isBareEntry(entry)) elsewhere.add(entry.descriptor.digest);
  return entries.map((entry) => {
    const { digest } = entry.descriptor;
    const mark = containerdSubject(entry);
    if (mark !== undefined) return { rank: "referrer", subject: mark as Digest, digest };
    const listOf = claimedSubjects(entry)?.[0];
    if (isDigest(listOf) && isPlainListEntry(entry)) return { rank: "list", subject: listOf, digest };
    const isRecord = isBareEntry(entry) && subjects.has(digest) && elsewhere.has(digest);
    return isRecord ? { rank: "subject", subject: digest, digest } : undefined;
  });
}
