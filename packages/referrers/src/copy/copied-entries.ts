import { CONTAINERD_IMAGE_NAME, type Descriptor, type IndexEntry, OcilotError, REF_NAME } from "@ocilot/layout";
import type { IndexChange } from "../convention.js";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { isBareEntry } from "../marks.js";
import { type CanonicalValue, canonicalJson } from "../receipt/canonical-json.js";
import { recordKeys } from "../records.js";
import type { LayoutView } from "../view.js";
import { type PlatformShare, SPARSE_PLATFORMS, sparseNote } from "./sparse.js";

/** Something to be listed in the target, and its tag there. */
export interface RootEntry {
  readonly descriptor: Descriptor;
  readonly tag?: string;
  /** Where it is an image index: its platforms, and which of them are copied. */
  readonly share?: PlatformShare;
}

/** What has been copied and is now to be named. */
export interface CopiedContent {
  readonly source: LayoutView;
  readonly sourceGraph: ReferrerGraph;
  /** True where the copy is of everything, so that the records among its entries may be made anew. */
  readonly isWhole: boolean;
  readonly roots: readonly RootEntry[];
  readonly edges: readonly ReferrerEdge[];
}

/**
 * The entries that a copy needs besides records that can be made anew: its roots as the source lists them, and the entries
 * that carry links without a `subject`, as they are.
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

/** @throws OcilotError `WRITE_REFUSED` if the target has one of the tags on something else */
export function refuseTakenTags(wanted: readonly RootEntry[], target: readonly IndexEntry[]): void {
  const holders = new Map(target.flatMap((e) => (e.tag === undefined ? [] : [[e.tag, e.descriptor.digest] as const])));
  for (const { tag, descriptor } of wanted) {
    const holder = tag === undefined ? undefined : holders.get(tag);
    if (holder === undefined || holder === descriptor.digest) continue;
    throw new OcilotError(
      "WRITE_REFUSED",
      `the target has the tag ${tag} on ${holder}, the copy has it on ${descriptor.digest}`,
      { reason: "tag-taken" },
      { hint: "The target's index.json is unchanged. Move the tag with --force, or give another one: DST:TAG." },
    );
  }
}

/**
 * The changes that list entries in a target. One that says nothing new is left out; what bore a tag before stays listed
 * without it. Every entry of an index tells which platforms of it are there, those of earlier copies included.
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
    const holders = tag === undefined ? [] : target.entries.filter((e) => e.tag === tag);
    if (holders.some((e) => e.descriptor.digest === d.digest)) continue;
    changes.push(...holders.map(release), foreign(d));
  }
  return changes;
}

/** An addition in the place of what no convention owns. */
export function foreign(descriptor: Descriptor): IndexChange {
  return { op: "add", key: { rank: "foreign", subject: descriptor.digest, digest: descriptor.digest }, descriptor };
}

/** Which platforms there are with what was there before; undefined for all of them. */
async function noteOf(share: PlatformShare, twins: readonly IndexEntry[], target: LayoutView): Promise<string | undefined> {
  const kept = new Set(share.kept);
  for (const { descriptor } of twins) {
    const old = descriptor.annotations?.[SPARSE_PLATFORMS];
    if (old !== undefined) for (const platform of old.split(",")) kept.add(platform);
    else for (const { digest, platform } of share.children) if (await target.has(digest)) kept.add(platform);
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

/** What bore the tag stays listed without it. */
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

/** Equal for entries that say the same, in whatever order. */
function textOf(d: Descriptor): string {
  return canonicalJson(d as unknown as CanonicalValue);
}
