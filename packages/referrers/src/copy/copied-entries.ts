import {
  CONTAINERD_IMAGE_NAME,
  type Descriptor,
  type Digest,
  type IndexEntry,
  OcilotError,
  REF_NAME,
  imageNameOf,
} from "@ocilot/layout/web";
import type { IndexChange } from "../records/projection.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { isBareEntry } from "../records/entry-annotations.js";
import { type CanonicalValue, canonicalJson } from "../records/canonical-json.js";
import { recordKeys } from "../records/record-keys.js";
import type { LayoutView } from "../view/layout-view.js";
import { formatPlatform } from "../platform/parse-platform.js";
import { type PlatformShare, SPARSE_PLATFORMS, sparseNote } from "../platform/sparse-platforms.js";

/** An entry to add to the target, and its tag there. */
export interface RootEntry {
  readonly descriptor: Descriptor;
  readonly tag?: string;
  /** The platforms of an image index, and which of them are copied. */
  readonly share?: PlatformShare;
}

/** Content that has been copied and is to be recorded. */
export interface CopiedContent {
  readonly source: LayoutView;
  readonly sourceGraph: ReferrerGraph;
  /** True where the copy is of everything, so that the records among its entries may be made anew. */
  readonly isWhole: boolean;
  readonly roots: readonly RootEntry[];
  readonly edges: readonly ReferrerEdge[];
}

/**
 * Returns the entries that a copy needs besides records that can be written anew: its roots as the source lists them, and the
 * entries that carry links without a `subject`, as they are.
 */
export async function copiedEntries({ source, sourceGraph, isWhole, roots, edges }: CopiedContent): Promise<RootEntry[]> {
  const records = isWhole && roots.length > 1 ? await recordKeys(sourceGraph, source) : new Map();
  const recorded = new Set(source.entries.filter((e) => records.has(e.position)).map((e) => e.descriptor));
  const positions = new Set(
    edges.flatMap((e) => (e.link === "N" ? e.evidence : [])).flatMap((v) => (v.within === undefined ? (v.position ?? []) : [])),
  );
  const carriers = source.entries.filter((e) => positions.has(e.position));
  const wanted = [
    ...roots.filter((r) => !recorded.has(r.descriptor)).map((r) => ({ ...r, descriptor: rootDescriptor(r) })),
    ...carriers.map(({ descriptor, tag }) => ({ descriptor, ...(tag !== undefined && { tag }) })),
  ];
  return [...new Map(wanted.toReversed().map((w) => [textOf(w.descriptor), w])).values()].toReversed();
}

/** A name that a copy took from another manifest of the target. */
export interface MovedName {
  readonly name: string;
  /** The manifest that had the name before. */
  readonly from: Digest;
}

/** @throws OcilotError `WRITE_REFUSED` if the target has one of the names on another manifest */
export function refuseTakenTags(wanted: readonly RootEntry[], target: readonly IndexEntry[]): void {
  const holders = groupBy(target, (e) => e.tag);
  for (const root of wanted) {
    const holder = otherHolders(root, holders)[0];
    if (holder === undefined) continue;
    throw new OcilotError(
      "WRITE_REFUSED",
      `the target has the tag ${root.tag} on ${holder.descriptor.digest}, the copy has it on ${root.descriptor.digest}`,
      { reason: "tag-taken" },
      { hint: "The target's index.json is unchanged. Move the tag with --force, or give another one: DST:TAG." },
    );
  }
}

/** Returns the names that a copy takes from other manifests. */
export function movedNames(wanted: readonly RootEntry[], target: readonly IndexEntry[]): MovedName[] {
  const holders = groupBy(target, (e) => e.tag);
  return wanted.flatMap((root) => otherHolders(root, holders).map((e) => ({ name: imageNameOf(e) ?? e.tag!, from: e.descriptor.digest })));
}

/** The entries of other manifests that have the name of a root. */
function otherHolders(root: RootEntry, holders: ReadonlyMap<string | undefined, readonly IndexEntry[]>): readonly IndexEntry[] {
  if (root.tag === undefined) return [];
  const { digest } = root.descriptor;
  return (holders.get(root.tag) ?? []).filter((e) => e.descriptor.digest !== digest && isSameName(root, e));
}

/** One tag of images of two repositories is two names: `docker save a:latest b:latest` gives both images the tag `latest`. */
function isSameName(root: RootEntry, entry: IndexEntry): boolean {
  const [mine, other] = [rootDescriptor(root).annotations?.[CONTAINERD_IMAGE_NAME], imageNameOf(entry)];
  return root.tag === entry.tag && (mine === undefined || other === undefined || mine === other);
}

/**
 * Returns the changes that list entries in a target. An entry that adds nothing is left out; a manifest that had the tag before stays
 * listed without it. Every entry of an index notes which of its platforms are present, those of earlier copies included.
 */
export async function entryChanges(wanted: readonly RootEntry[], target: LayoutView): Promise<IndexChange[]> {
  const changes: IndexChange[] = [];
  const texts = new Set(target.entries.map((e) => textOf(e.descriptor)));
  const listed = new Set(target.entries.map((e) => e.descriptor.digest));
  for (const { descriptor, tag, share } of wanted) {
    const twins = target.entries.filter((e) => e.descriptor.digest === descriptor.digest);
    const note = share === undefined ? descriptor.annotations?.[SPARSE_PLATFORMS] : await noteOf(share, twins, target);
    for (const twin of twins) if (share !== undefined) changes.push(...renote(twin, note));
    const d = withNote(descriptor, note);
    if (texts.has(textOf(d)) || (isBare(d) && listed.has(d.digest))) continue;
    const root = { descriptor: d, ...(tag !== undefined && { tag }) };
    const holders = tag === undefined ? [] : target.entries.filter((e) => e.tag === tag && isSameName(root, e));
    if (holders.some((e) => e.descriptor.digest === d.digest)) continue;
    changes.push(...holders.map(release), foreign(d));
  }
  return changes;
}

/**
 * Returns the changes that correct sizes which entries of the target state of content that was copied. A digest has one size, the
 * copied content has been checked against it, and what reads by a wrong one refuses the entry.
 */
export function sizeCorrections(content: readonly Descriptor[], target: LayoutView): IndexChange[] {
  const sizes = new Map(content.map((d) => [d.digest, d.size]));
  return target.entries.flatMap(({ position, descriptor: { digest, size: stated } }) => {
    const size = sizes.get(digest) ?? stated;
    return size === stated ? [] : [{ op: "retarget" as const, position, digest, size }];
  });
}

/** Returns an addition in the position of entries that no convention owns. */
export function foreign(descriptor: Descriptor): IndexChange {
  return { op: "add", key: { rank: "foreign", subject: descriptor.digest, digest: descriptor.digest }, descriptor };
}

/** The platforms that are present after the copy; undefined for all of them. */
async function noteOf(share: PlatformShare, twins: readonly IndexEntry[], target: LayoutView): Promise<string | undefined> {
  const kept = new Set(share.kept);
  for (const { descriptor } of twins) {
    const old = descriptor.annotations?.[SPARSE_PLATFORMS];
    if (old !== undefined) for (const platform of old.split(",")) kept.add(platform);
    else for (const { descriptor: d, platform } of share.images) if (await target.has(d.digest)) kept.add(formatPlatform(platform));
  }
  kept.delete("");
  return sparseNote(share, kept);
}

function renote({ descriptor, position }: IndexEntry, note: string | undefined): IndexChange[] {
  if (descriptor.annotations?.[SPARSE_PLATFORMS] === note) return [];
  return [{ op: "annotate", position, ...(note === undefined ? { unset: [SPARSE_PLATFORMS] } : { set: { [SPARSE_PLATFORMS]: note } }) }];
}

function withNote(descriptor: Descriptor, note: string | undefined): Descriptor {
  const { [SPARSE_PLATFORMS]: _, ...rest } = descriptor.annotations ?? {};
  return annotated(descriptor, { ...rest, ...(note !== undefined && { [SPARSE_PLATFORMS]: note }) });
}

/** A manifest that had the tag stays listed without it. */
function release({ position, tag, descriptor }: IndexEntry): IndexChange {
  const isNamed = descriptor.annotations?.[CONTAINERD_IMAGE_NAME]?.endsWith(`:${tag}`) === true;
  return { op: "annotate", position, unset: isNamed ? [REF_NAME, CONTAINERD_IMAGE_NAME] : [REF_NAME] };
}

/** A new tag takes the old one's place; a full image name would contradict it. */
function rootDescriptor({ descriptor, tag }: RootEntry): Descriptor {
  const { [REF_NAME]: oldTag, [CONTAINERD_IMAGE_NAME]: _, ...rest } = descriptor.annotations ?? {};
  if ((tag ?? "") === (oldTag ?? "")) return descriptor;
  return annotated(descriptor, { ...rest, ...(tag !== undefined && { [REF_NAME]: tag }) });
}

function annotated(descriptor: Descriptor, annotations: Readonly<Record<string, string>>): Descriptor {
  const { annotations: _, ...members } = descriptor;
  return Object.keys(annotations).length > 0 ? { ...members, annotations } : members;
}

function isBare(descriptor: Descriptor): boolean {
  return isBareEntry({ position: 0, descriptor });
}

/** Equal for entries with the same members, in any order. */
function textOf(d: Descriptor): string {
  return canonicalJson(d as unknown as CanonicalValue);
}
