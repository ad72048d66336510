import {
  type Descriptor,
  type Digest,
  IMAGE_SPEC_SUBJECT,
  OLAREG_SUBJECT,
  REF_NAME,
  bareDescriptor,
  compareDigests,
} from "@ocilot/layout/spec";
import { type Convention, type IndexChange, type Loss, projection } from "../convention.js";
import type { ReferrerEdge } from "../edge.js";
import { type ReferrerGraph, claimedEdge, subjectEdge } from "../graph.js";
import { groupBy } from "../group-by.js";
import { type ListConventionId, type ListRecord, type Lists, findLists, listsOf } from "../lists.js";
import { isPlainListEntry } from "../marks.js";
import { lossOf } from "../losses.js";
import { responseBlob, responseLine, sameLine } from "../response-index.js";
import type { NewBlob } from "../view.js";

/** How the three list conventions differ: the mark on the entry of a list, and a flag on `index.json`. */
export interface ListMark {
  readonly id: ListConventionId;
  readonly title: string;
  /** The annotation that marks the list of `subject`. */
  mark(subject: Digest): { readonly key: string; readonly value: string };
  /** The annotation of `index.json` that goes with the lists, always `"true"`. */
  readonly flag?: string;
  /** Why the list of `subject` cannot bear the mark. */
  obstacle?(lists: Lists, subject: Digest): string | undefined;
}

const LIST_ORDER: readonly ListConventionId[] = ["regclient", "olareg", "image-spec"];

/**
 * A convention that keeps one referrers response per subject. A list that says exactly what the graph says is left
 * alone in whatever order it is; one that does not is written anew, what it had first, the rest by digest. An entry
 * that points to the right list under another convention's mark gets this mark too, rather than a twin.
 */
export function listConvention(own: ListMark): Convention {
  return {
    id: own.id,
    title: own.title,
    traits: { shape: "list", nEdges: false, target: true },

    async detect(view) {
      const lists = await findLists(view);
      const entries = lists.records.filter((r) => r.convention === own.id);
      return {
        entries: entries.map((r) => ({ position: r.entry.position, reason: `${reasonOf(r)} of ${r.subjects.join(", ") || "no subject"}` })),
        flags: own.flag !== undefined && view.annotations[own.flag] !== undefined ? [own.flag] : [],
        problems: lists.problems.filter((p) => entries.some((r) => r.entry.position === p.position)),
      };
    },

    async *read(view) {
      for (const { convention, entry, subjects, lines } of (await findLists(view)).records) {
        if (convention !== own.id) continue;
        for (const { node, verdict } of lines) {
          const evidence = { convention: own.id, position: entry.position, within: entry.descriptor.digest };
          const edge = subjectEdge(node, evidence);
          if (edge !== undefined) yield edge;
          else if (verdict === "unverified" && subjects.length === 1) yield claimedEdge(subjects[0]!, node, evidence, "S");
        }
      }
    },

    async project(graph, view) {
      const lists = await findLists(view);
      const changes: IndexChange[] = [];
      const blobs: NewBlob[] = [];
      const losses: Loss[] = [];
      const refusals: string[] = [];
      for (const edges of groupByMark(graph, own, losses)) {
        const { key, value } = own.mark(edges[0]!.subject);
        const obstacle = own.obstacle?.(lists, edges[0]!.subject);
        if (obstacle !== undefined) {
          refusals.push(obstacle);
          continue;
        }
        const subjects = [...new Set(edges.map((e) => e.subject))];
        const mine = subjects.flatMap((s) => listsOf(lists, own.id, s)).filter((r, i, all) => all.indexOf(r) === i);
        const source = mine[0] ?? LIST_ORDER.flatMap((id) => listsOf(lists, id, subjects[0]!))[0];
        const target = rightList(source, edges) ?? responseBlob(orderLines(source, edges), view.digestOf);
        if ("text" in target) blobs.push(target);
        const { digest, size } = target.descriptor;
        for (const { entry } of mine) {
          if (entry.descriptor.digest !== digest) changes.push({ op: "retarget", position: entry.position, digest, size });
        }
        if (mine.length > 0) continue;
        const shared = subjects
          .flatMap((s) => LIST_ORDER.flatMap((id) => listsOf(lists, id, s)))
          .find(({ entry }) => entry.descriptor.digest === digest && entry.descriptor.annotations?.[key] === undefined);
        if (shared !== undefined) changes.push({ op: "annotate", position: shared.entry.position, set: { [key]: value } });
        else {
          const descriptor = { ...target.descriptor, annotations: { [key]: value } };
          changes.push({ op: "add", key: { rank: "list", subject: edges[0]!.subject, digest }, descriptor });
        }
      }
      if (own.flag !== undefined && view.annotations[own.flag] !== "true")
        changes.push({ op: "annotate-index", set: { [own.flag]: "true" } });
      return projection({ changes, blobs, losses, refusals });
    },

    async withdraw(graph, view) {
      const changes: IndexChange[] = [];
      const kept: string[] = [];
      for (const record of (await findLists(view)).records) {
        if (record.convention !== own.id) continue;
        const { entry } = record;
        const obstacle = keepReason(record, graph);
        if (obstacle !== undefined) {
          kept.push(`index.json entry ${entry.position} (${reasonOf(record)} ${entry.descriptor.digest}) stays: ${obstacle}`);
          continue;
        }
        const key = own.mark(record.subjects[0]!).key;
        const others = LIST_MARK_KEYS.filter((k) => k !== key && entry.descriptor.annotations?.[k]);
        if (others.length === 0 && isPlainListEntry(entry)) changes.push({ op: "remove", position: entry.position });
        else changes.push({ op: "annotate", position: entry.position, unset: [key] });
      }
      const isUsed = kept.length > 0;
      if (own.flag !== undefined && !isUsed && view.annotations[own.flag] !== undefined)
        changes.push({ op: "annotate-index", unset: [own.flag] });
      return projection({ changes, kept });
    },
  };

  function reasonOf(record: ListRecord): string {
    return record.subjects[0] === undefined ? "list" : `list under ${own.mark(record.subjects[0]).key}`;
  }
}

const LIST_MARK_KEYS = [REF_NAME, OLAREG_SUBJECT, IMAGE_SPEC_SUBJECT];

/** The edges that lists can hold, a group for each list: two sha512 subjects may share a tag. */
function groupByMark(graph: ReferrerGraph, own: ListMark, losses: Loss[]): Iterable<ReferrerEdge[]> {
  const edges = graph.edges();
  for (const edge of edges) if (edge.link === "N") losses.push(lossOf(edge, "no-subject", own.id));
  return groupBy(
    edges.filter((e) => e.link === "S"),
    (e) => own.mark(e.subject).value,
  ).values();
}

/** The list of `record` as it is, if its lines are exactly these edges, in any order. */
function rightList(record: ListRecord | undefined, edges: readonly ReferrerEdge[]): { descriptor: Descriptor } | undefined {
  if (record === undefined || record.lines.length !== edges.length) return undefined;
  const wanted = new Map(edges.map((e) => [e.referrer.digest, e]));
  for (const { node } of record.lines) {
    const edge = wanted.get(node.descriptor.digest);
    if (edge === undefined || !sameLine(node.descriptor, responseLine(edge))) return undefined;
    wanted.delete(node.descriptor.digest);
  }
  return wanted.size === 0 ? { descriptor: bareDescriptor(record.entry.descriptor) } : undefined;
}

/** What the list had keeps its place, the rest follows by digest. */
function orderLines(record: ListRecord | undefined, edges: readonly ReferrerEdge[]): Descriptor[] {
  const before = new Map((record?.lines ?? []).map((line, i) => [line.node.descriptor.digest, i]));
  const place = (e: ReferrerEdge): number => before.get(e.referrer.digest) ?? Number.MAX_SAFE_INTEGER;
  return edges.toSorted((a, b) => place(a) - place(b) || compareDigests(a.referrer.digest, b.referrer.digest)).map(responseLine);
}

function keepReason(record: ListRecord, graph: ReferrerGraph): string | undefined {
  if (record.subjects.length === 0) return "it is empty and its subject cannot be told";
  const odd = record.lines.filter((line) => line.verdict !== "right").length;
  if (odd > 0) return `${odd} of its lines cannot be verified`;
  const missing = record.lines.find((line) => !record.subjects.some((s) => graph.has(s, line.node.descriptor.digest)));
  return missing === undefined ? undefined : `${missing.node.descriptor.digest} is in no other record`;
}
