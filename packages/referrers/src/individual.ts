import { CONTAINERD_SUBJECT, type Digest, type IndexEntry } from "@ocilot/layout/spec";
import type { RecordKey } from "./convention.js";
import type { ReferrerEdge } from "./edge.js";
import { subjectEdge } from "./graph.js";
import { groupBy } from "./group-by.js";
import { findLists } from "./lists.js";
import { pulledUp } from "./marks.js";
import { perView } from "./per-view.js";
import type { LayoutView, ManifestNode } from "./view.js";

/** An entry of `index.json` and what it leads to. */
export interface OpenedEntry {
  readonly entry: IndexEntry;
  readonly node: ManifestNode;
}

const byDigest = new WeakMap<LayoutView, ReadonlyMap<Digest, readonly IndexEntry[]>>();

/** What each entry leads to, in their order. */
export const entryNodes: (view: LayoutView) => Promise<readonly ManifestNode[]> = perView(
  async (view) => await view.nodes(view.entries.map((e) => e.descriptor)),
);

/** The entries that are not lists, opened. */
export const openEntries: (view: LayoutView) => Promise<readonly OpenedEntry[]> = perView(async (view) => {
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.position));
  const nodes = await entryNodes(view);
  return view.entries.map((entry, i) => ({ entry, node: nodes[i]! })).filter(({ entry }) => !lists.has(entry.position));
});

/** The entries of a view by what they point to. */
export function entriesByDigest(view: LayoutView): ReadonlyMap<Digest, readonly IndexEntry[]> {
  let groups = byDigest.get(view);
  if (groups === undefined) byDigest.set(view, (groups = groupBy(view.entries, (e) => e.descriptor.digest)));
  return groups;
}

/** The entry that a referrer gets: with its type and its annotations, as oras writes it; `marks` are added to them. */
export function referrerEntry(
  edge: ReferrerEdge,
  marks: Readonly<Record<string, string>> = {},
): { key: RecordKey; descriptor: IndexEntry["descriptor"] } {
  const annotations = { ...pulledUp(edge.annotations), ...marks };
  return {
    key: { rank: "referrer", subject: edge.subject, digest: edge.referrer.digest },
    descriptor: {
      ...edge.referrer,
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...(edge.artifactType !== undefined && { artifactType: edge.artifactType }),
    },
  };
}

/** The value of containerd's mark on an entry, whatever it is. */
export function containerdMark(entry: IndexEntry): string | undefined {
  return entry.descriptor.annotations?.[CONTAINERD_SUBJECT];
}

/** The S-edge of an opened entry, with the entry as its evidence. */
export function entryEdge({ entry, node }: OpenedEntry, convention: "oras" | "containerd"): ReferrerEdge | undefined {
  return subjectEdge(node, { convention, position: entry.position });
}
