import { CONTAINERD_SUBJECT, type Descriptor, type Digest, type IndexEntry } from "@ocilot/layout/spec";
import type { RecordKey } from "./projection.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { recordedEdge, subjectEdge } from "../graph/referrer-graph.js";
import { groupBy } from "../graph/group-by.js";
import { findLists } from "./referrer-lists.js";
import { isEmptyMap, manifestAnnotations } from "./entry-annotations.js";
import { perView } from "../view/per-view.js";
import type { LayoutView, ManifestNode } from "../view/layout-view.js";

/** An entry of `index.json` and what it leads to. */
export interface OpenedEntry {
  readonly entry: IndexEntry;
  readonly node: ManifestNode;
}

const byDigest = new WeakMap<LayoutView, ReadonlyMap<Digest, readonly IndexEntry[]>>();

/** The entries that are not lists, opened. */
export const openEntries: (view: LayoutView) => Promise<readonly OpenedEntry[]> = perView(async (view) => {
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.position));
  const nodes = await view.entryNodes();
  return view.entries.map((entry, i) => ({ entry, node: nodes[i]! })).filter(({ entry }) => !lists.has(entry.position));
});

/** The entries of a view by what they point to. */
export function entriesByDigest(view: LayoutView): ReadonlyMap<Digest, readonly IndexEntry[]> {
  let groups = byDigest.get(view);
  if (groups === undefined) byDigest.set(view, (groups = groupBy(view.entries, (e) => e.descriptor.digest)));
  return groups;
}

/** The entry that a referrer gets: with its type and its annotations, as oras writes it, and these annotations besides. */
export function referrerEntry(
  edge: ReferrerEdge,
  marks: Readonly<Record<string, string>> = {},
): { key: RecordKey; descriptor: IndexEntry["descriptor"] } {
  const annotations = { ...manifestAnnotations(edge.annotations), ...marks };
  const descriptor: { -readonly [Member in keyof Descriptor]: Descriptor[Member] } = { ...edge.referrer };
  if (!isEmptyMap(annotations)) descriptor.annotations = annotations;
  if (edge.artifactType !== undefined) descriptor.artifactType = edge.artifactType;
  return { key: { rank: "referrer", subject: edge.subject, digest: edge.referrer.digest }, descriptor };
}

/** Returns the value of containerd's annotation on an entry, valid or not. */
export function containerdSubject(entry: IndexEntry): string | undefined {
  return entry.descriptor.annotations?.[CONTAINERD_SUBJECT];
}

/** The S-edge of an opened entry, with the entry as its evidence; of a manifest that cannot be read, what a registry says of it. */
export function entryEdge({ entry, node }: OpenedEntry, convention: "oras" | "containerd"): ReferrerEdge | undefined {
  const { position, origin } = entry;
  const evidence = origin === undefined ? { convention, position } : { convention, position, origin: origin.by };
  const isRead = node.state === "read" || node.state === "blob" || node.state === "listed";
  if (!isRead && origin?.subject !== undefined && origin.by !== "tag") return recordedEdge(origin.subject, node, evidence, "S");
  return subjectEdge(node, evidence);
}
