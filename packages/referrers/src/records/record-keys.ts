import type { Descriptor, Digest } from "@ocilot/layout/spec";
import type { RecordKey } from "./projection.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { openEntries } from "./referrer-entries.js";
import { findLists } from "./referrer-lists.js";
import { isBareEntry, isPlainListEntry, isPlainReferrerEntry } from "./entry-annotations.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * Returns which entries are records, that is, which a convention's writer would write again from the graph, and
 * where each belongs in the canonical order. An entry that is not in the map is foreign.
 */
export async function recordKeys(graph: ReferrerGraph, view: LayoutView): Promise<Map<number, RecordKey>> {
  const keys = new Map<number, RecordKey>();
  const { records } = await findLists(view);
  const tagged = new Set(records.filter((r) => r.convention === "regclient").map((r) => r.entry.position));
  for (const { entry, subjects } of records) {
    const { position, descriptor } = entry;
    // An entry with a tag that a user chose is no record, whatever annotations it has.
    const isOurs = entry.tag === undefined || tagged.has(position);
    if (subjects[0] !== undefined && isOurs && isPlainListEntry(entry))
      keys.set(position, { rank: "list", subject: subjects[0], digest: descriptor.digest });
  }
  for (const { entry, node } of await openEntries(view)) {
    const { digest } = entry.descriptor;
    const manifest = manifestOf(node);
    const subject = manifest?.subject?.digest;
    if (subject !== undefined && isPlainReferrerEntry(entry, manifest!)) keys.set(entry.position, { rank: "referrer", subject, digest });
  }
  const bare = view.entries.filter((e) => isBareEntry(e) && !keys.has(e.position) && graph.of(e.descriptor.digest).length > 0);
  if (bare.length > 0) {
    const rest = await reachableWithoutBare(view, new Set());
    for (const { position, descriptor } of bare) {
      const { digest } = descriptor;
      if (rest.has(digest)) keys.set(position, { rank: "subject", subject: digest, digest });
    }
  }
  return keys;
}

/** What is listed by entries that are not bare, or by an index that any entry leads to: a bare entry does not vouch for itself. */
export async function reachableWithoutBare(view: LayoutView, removed: ReadonlySet<number>): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  const entries = view.entries.filter((e) => !removed.has(e.position));
  for (const entry of entries) if (!isBareEntry(entry)) found.add(entry.descriptor.digest);
  const walked = new Set<string>();
  let level: Descriptor[] = entries.map((e) => e.descriptor);
  while (level.length > 0) {
    const nodes = await view.nodes(level);
    const children = nodes.flatMap((n) => manifestOf(n)?.manifests ?? []);
    for (const child of children) found.add(child.digest);
    level = children.filter((d) => !walked.has(d.digest) && walked.add(d.digest));
  }
  return found;
}
