import {
  type Descriptor,
  type Digest,
  type IndexEntry,
  MAX_MANIFEST_BYTES,
  REF_NAME,
  bareDescriptor,
  compareDigests,
} from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { type IndexChange, type UnrepresentableLink, projection } from "../records/projection.js";
import { linkClassOf, unsupportedReason } from "./support-matrix.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { type ReferrerGraph, recordedEdge, subjectEdge } from "../graph/referrer-graph.js";
import { LIST_ANNOTATION_KEYS, LIST_CONVENTIONS, type ListConventionId } from "../records/list-annotations.js";
import { type ListLine, type ListRecord, type Lists, findLists, listsOf, unconfirmedLines } from "../records/referrer-lists.js";
import { isPlainListEntry } from "../records/entry-annotations.js";
import { unrepresentableLink } from "../records/unrepresentable.js";
import { parseReferrersTag, tagFits } from "../records/referrers-tag.js";
import { responseBlob, responseDescriptor, sameLine } from "../records/response-index.js";
import { type NewBlob, manifestOf } from "../view/layout-view.js";
import { perView } from "../view/per-view.js";

/** How the three list conventions differ: the annotation on the entry of a list, and a flag on `index.json`. */
export interface ListMark {
  readonly id: ListConventionId;
  readonly title: string;
  /** The annotation of the entry that points to the list of `subject`. */
  mark(subject: Digest): { readonly key: string; readonly value: string };
  /** The annotation of `index.json` that goes with the lists, always `"true"`. */
  readonly flag?: string;
  /** Why the list of `subject` cannot have the annotation. */
  obstacle?(lists: Lists, subject: Digest): string | undefined;
  /** Returns true if the programs that read the annotation find the list of `subject` at this entry (default: true). */
  isFoundAt?(entry: IndexEntry, subject: Digest): boolean;
}

/**
 * A convention that keeps one referrers response per subject. A list that says exactly what the graph says is left
 * unchanged in any order; otherwise it is replaced by a new list with the existing lines first and the others by digest. An
 * entry that points to the right list for another convention gets this annotation too, rather than a second entry.
 */
export function listConvention(own: ListMark): Convention {
  return {
    id: own.id,
    title: own.title,
    traits: { shape: "list", nEdges: false, target: true },

    detect: perView(async (view) => {
      const lists = await findLists(view);
      const entries = lists.records.filter((r) => r.convention === own.id);
      const positions = new Set(entries.map((r) => r.entry.position));
      return {
        entries: entries.map((r) => ({ position: r.entry.position, reason: `${reasonOf(r)} of ${r.subjects.join(", ") || "no subject"}` })),
        flags: own.flag !== undefined && view.annotations[own.flag] !== undefined ? [own.flag] : [],
        problems: lists.problems.filter((p) => p.position !== undefined && positions.has(p.position)),
      };
    }),

    async read(view) {
      const edges: ReferrerEdge[] = [];
      for (const { convention, entry, subjects, lines } of (await findLists(view)).records) {
        if (convention !== own.id) continue;
        const evidence = { convention: own.id, position: entry.position, within: entry.descriptor.digest };
        for (const { node, verdict } of lines) {
          const edge = subjectEdge(node, evidence);
          if (edge !== undefined) edges.push(edge);
          else if (verdict === "unverified" && subjects.length === 1) edges.push(recordedEdge(subjects[0]!, node, evidence, "S"));
        }
      }
      return edges;
    },

    async project(graph, view) {
      const lists = await findLists(view);
      const changes: IndexChange[] = [];
      const blobs: NewBlob[] = [];
      const losses: UnrepresentableLink[] = [];
      const refusals: string[] = [];
      for (const edges of groupByMark(graph, own, losses)) {
        const { key, value } = own.mark(edges[0]!.subject);
        const obstacle = own.obstacle?.(lists, edges[0]!.subject);
        if (obstacle !== undefined) {
          refusals.push(obstacle);
          continue;
        }
        const subjects = [...new Set(edges.map((e) => e.subject))];
        const mine = [...new Set([...subjects.flatMap((s) => listsOf(lists, own.id, s)), ...unclaimed(lists, own, subjects)])];
        const source = mine[0] ?? LIST_CONVENTIONS.flatMap((id) => listsOf(lists, id, subjects[0]!))[0];
        const target = rightList(source, edges) ?? responseBlob(orderLines(source, edges), view.digestOf);
        if (target.descriptor.size > MAX_MANIFEST_BYTES) {
          refusals.push(tooLarge(edges, target.descriptor.size));
          continue;
        }
        if ("text" in target) blobs.push(target);
        const { digest, size } = target.descriptor;
        for (const { entry } of mine) {
          if (entry.descriptor.digest === digest) continue;
          if (hasRealTag(entry, subjects)) refusals.push(heldByTag(entry));
          else changes.push({ op: "retarget", position: entry.position, digest, size });
        }
        if (mine.some(({ entry }) => own.isFoundAt?.(entry, subjects[0]!) ?? true)) continue;
        const shared = subjects
          .flatMap((s) => LIST_CONVENTIONS.flatMap((id) => listsOf(lists, id, s)))
          .find(({ entry }) => entry.descriptor.digest === digest && entry.descriptor.annotations?.[key] === undefined);
        if (shared !== undefined) changes.push({ op: "annotate", position: shared.entry.position, set: { [key]: value } });
        else {
          const descriptor = { ...target.descriptor, annotations: { [key]: value } };
          changes.push({ op: "add", key: { rank: "list", subject: edges[0]!.subject, digest }, descriptor });
        }
      }
      for (const { entry } of outdated(lists, own, graph)) {
        const empty = responseBlob([], view.digestOf);
        blobs.push(empty);
        const { digest, size } = empty.descriptor;
        if (!hasRealTag(entry, [])) changes.push({ op: "retarget", position: entry.position, digest, size });
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
          kept.push(`index.json entry ${entry.position} (${reasonOf(record)} ${entry.descriptor.digest}) is kept: ${obstacle}`);
          continue;
        }
        const key = own.mark(record.subjects[0]!).key;
        const others = LIST_MARK_KEYS.filter((k) => k !== key && entry.descriptor.annotations?.[k]);
        // A list may be a subject too, and then oras needs the entry to resolve it.
        const isNeeded = graph.of(entry.descriptor.digest).length > 0;
        if (others.length === 0 && !isNeeded && isPlainListEntry(entry)) changes.push({ op: "remove", position: entry.position });
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

const LIST_MARK_KEYS = [REF_NAME, ...LIST_ANNOTATION_KEYS];

/** The edges that lists can hold, a group for each list: two sha512 subjects may share a tag. */
function groupByMark(graph: ReferrerGraph, own: ListMark, losses: UnrepresentableLink[]): Iterable<ReferrerEdge[]> {
  const groups = new Map<string, ReferrerEdge[]>();
  for (const subject of graph.subjects()) {
    const held: ReferrerEdge[] = [];
    for (const edge of graph.of(subject)) {
      const reason = unsupportedReason(own.id, linkClassOf(edge));
      if (reason === undefined) held.push(edge);
      else losses.push(unrepresentableLink(edge, reason));
    }
    if (held.length === 0) continue;
    const { value } = own.mark(subject);
    groups.set(value, [...(groups.get(value) ?? []), ...held]);
  }
  return groups.values();
}

/** Empty lists under a shortened tag of these subjects; they could belong to any of them. */
function unclaimed(lists: Lists, own: ListMark, subjects: readonly Digest[]): ListRecord[] {
  return lists.unclaimed.filter((r) => r.convention === own.id && subjects.some((s) => own.isFoundAt?.(r.entry, s) ?? false));
}

/** Lists of which no line is right, and none states a link that the graph does not have under its real subject. */
function outdated(lists: Lists, own: ListMark, graph: ReferrerGraph): ListRecord[] {
  const isWrong = ({ node, verdict }: ListLine): boolean => {
    const subject = manifestOf(node)?.subject?.digest;
    return verdict === "stale" || (verdict === "foreign" && subject !== undefined && graph.has(subject, node.descriptor.digest));
  };
  return lists.records.filter(
    ({ convention, subjects, lines }) =>
      convention === own.id &&
      lines.length > 0 &&
      lines.every(isWrong) &&
      subjects.length === 1 &&
      !graph.of(subjects[0]!).some((e) => e.link === "S"),
  );
}

/** Returns true for a tag that is not the referrers tag of the subjects: a user chose it, and it must not move. */
function hasRealTag(entry: IndexEntry, subjects: readonly Digest[]): boolean {
  const form = parseReferrersTag(entry.tag ?? "");
  if (form === undefined || subjects.length === 0) return entry.tag !== undefined && form === undefined;
  return !subjects.some((s) => tagFits(form.tag, s));
}

/** regctl reads no manifest beyond that size, and neither does ocilot. */
function tooLarge(edges: readonly ReferrerEdge[], size: number): string {
  return `the list of ${edges[0]!.subject} with ${edges.length} referrers would have ${size} bytes, and tools read no list over ${MAX_MANIFEST_BYTES} bytes`;
}

function heldByTag(entry: IndexEntry): string {
  return `the list at index.json entry ${entry.position} is out of date and has the tag ${JSON.stringify(entry.tag)}, which must not move: remove the tag`;
}

/** The list of `record` as it is, if its lines are exactly these edges, in any order. */
function rightList(record: ListRecord | undefined, edges: readonly ReferrerEdge[]): { descriptor: Descriptor } | undefined {
  if (record === undefined || record.lines.length !== edges.length) return undefined;
  const named = inOrder(record.lines, edges) ?? edgesOfLines(record.lines, edges);
  const isRight = named?.every((edge, i) => sameLine(record.lines[i]!.node.descriptor, responseDescriptor(edge))) === true;
  return isRight ? { descriptor: bareDescriptor(record.entry.descriptor) } : undefined;
}

/** The edges themselves, if each line names the edge in its place: lists that ocilot writes have the order of the graph. */
function inOrder(lines: readonly ListLine[], edges: readonly ReferrerEdge[]): readonly ReferrerEdge[] | undefined {
  return lines.every(({ node }, i) => node.descriptor.digest === edges[i]!.referrer.digest) ? edges : undefined;
}

/** The edge that each line names; undefined unless each edge is named once. */
function edgesOfLines(lines: readonly ListLine[], edges: readonly ReferrerEdge[]): readonly ReferrerEdge[] | undefined {
  const wanted = new Map(edges.map((e) => [e.referrer.digest, e]));
  const named = new Set(lines.flatMap(({ node }) => wanted.get(node.descriptor.digest) ?? []));
  return named.size === lines.length ? [...named] : undefined;
}

/** Returns the existing lines in their order, then the others by digest. */
function orderLines(record: ListRecord | undefined, edges: readonly ReferrerEdge[]): Descriptor[] {
  const byDigest = (a: ReferrerEdge, b: ReferrerEdge): number => compareDigests(a.referrer.digest, b.referrer.digest);
  if (record === undefined || record.lines.length === 0) return edges.toSorted(byDigest).map(responseDescriptor);
  const before = new Map(record.lines.map((line, i) => [line.node.descriptor.digest, i]));
  const place = (e: ReferrerEdge): number => before.get(e.referrer.digest) ?? Number.MAX_SAFE_INTEGER;
  return edges.toSorted((a, b) => place(a) - place(b) || byDigest(a, b)).map(responseDescriptor);
}

function keepReason(record: ListRecord, graph: ReferrerGraph): string | undefined {
  if (record.subjects.length === 0) return "it is empty and its subject is unknown";
  const odd = unconfirmedLines(record).length;
  if (odd > 0) return `${odd} of its lines cannot be verified`;
  const missing = record.lines.find((line) => !record.subjects.some((s) => graph.has(s, line.node.descriptor.digest)));
  return missing === undefined ? undefined : `${missing.node.descriptor.digest} has no other record`;
}
