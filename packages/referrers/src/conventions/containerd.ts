import { CONTAINERD_SUBJECT, type Digest, IMAGE_SPEC_SUBJECT, isDigest } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { type IndexChange, type UnrepresentableLink, projection } from "../records/projection.js";
import { linkClassOf, unsupportedReason } from "./support-matrix.js";
import type { Problem, ReferrerEdge } from "../graph/edge.js";
import { recordedEdge } from "../graph/referrer-graph.js";
import {
  type OpenedEntry,
  containerdSubject,
  entriesByDigest,
  entryEdge,
  openEntries,
  referrerEntry,
} from "../records/referrer-entries.js";
import { unrepresentableLink } from "../records/unrepresentable.js";
import { hasOnlyPlainMembers, isPlainReferrerEntry, manifestAnnotations } from "../records/entry-annotations.js";
import { reachableWithoutBare } from "../records/record-keys.js";
import { sameLine } from "../records/response-index.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";
import { perView } from "../view/per-view.js";

/**
 * The entry of each referrer names its subject in an annotation: containerd, Docker, buildx. It is the one convention
 * that can hold a link whose manifest has no `subject`. Where manifest and annotation differ, the manifest is right.
 */
export const containerd: Convention = {
  id: "containerd",
  title: "an entry for each referrer that names its subject in an annotation (containerd, Docker, buildx)",
  traits: { shape: "individual", nEdges: true, target: true },

  detect: perView(async (view) => {
    const marked = await markedEntries(view);
    return {
      entries: marked.map(({ opened, key }) => ({ position: opened.entry.position, reason: `the annotation ${key}` })),
      flags: [],
      problems: marked.flatMap((m) => problemOf(m) ?? []),
    };
  }),

  async read(view) {
    const edges: ReferrerEdge[] = [];
    for (const { opened, value } of await markedEntries(view)) {
      const edge = entryEdge(opened, "containerd");
      if (edge?.subject === value) edges.push(edge);
      if (edge !== undefined || !isDigest(value)) continue;
      const isOpen = opened.node.state === "read" || opened.node.state === "blob";
      const evidence = { convention: "containerd" as const, position: opened.entry.position };
      edges.push(recordedEdge(value, withoutMarks(opened.node), evidence, isOpen ? "N" : "S"));
    }
    return edges;
  },

  async project(graph, view) {
    const listed = entriesByDigest(view);
    const changes: IndexChange[] = [];
    const losses: UnrepresentableLink[] = [];
    const taken = new Set<number>();
    for (const edge of graph.edges()) {
      const mark = { [CONTAINERD_SUBJECT]: edge.subject };
      const there = listed.get(edge.referrer.digest) ?? [];
      if (there.some((e) => containerdSubject(e) === edge.subject)) continue;
      const reason = unsupportedReason("containerd", linkClassOf(edge));
      if (reason !== undefined) {
        losses.push(unrepresentableLink(edge, reason));
        continue;
      }
      const free = there.find((e) => e.tag === undefined && containerdSubject(e) === undefined && !taken.has(e.position));
      if (free !== undefined) {
        taken.add(free.position);
        changes.push({ op: "annotate", position: free.position, set: mark });
      } else changes.push({ op: "add", ...referrerEntry(edge, mark) });
    }
    return projection({ changes, losses });
  },

  /**
   * Removes the annotation, or the whole entry if another entry of the same manifest makes it redundant or if it is what
   * {@link project} writes for a manifest without `subject` that is reachable otherwise.
   */
  async withdraw(graph, view) {
    const changes: IndexChange[] = [];
    const kept: string[] = [];
    const listed = entriesByDigest(view);
    const gone = new Set<number>();
    const marked = (await markedEntries(view)).filter((m) => m.key === CONTAINERD_SUBJECT);
    const rest =
      marked.length === 0 ? new Set<Digest>() : await reachableWithoutBare(view, new Set(marked.map((m) => m.opened.entry.position)));
    for (const { opened, value } of marked) {
      const { entry, node } = opened;
      const manifest = manifestOf(node);
      const subject = manifest?.subject === undefined ? value : manifest.subject.digest;
      if (manifest === undefined || !isDigest(value) || subject !== value || !graph.has(value, entry.descriptor.digest)) {
        kept.push(
          `index.json entry ${entry.position} (${entry.descriptor.digest}) keeps its annotation: no other record holds this link to ${value}`,
        );
        continue;
      }
      const twins = (listed.get(entry.descriptor.digest) ?? []).filter((e) => e.position !== entry.position && !gone.has(e.position));
      const isNeedless =
        twins.length > 0 ? isPlainReferrerEntry(entry, manifest) : isOwnEntry(opened, value) && rest.has(entry.descriptor.digest);
      if (isNeedless) {
        gone.add(entry.position);
        changes.push({ op: "remove", position: entry.position });
      } else changes.push({ op: "annotate", position: entry.position, unset: [CONTAINERD_SUBJECT] });
    }
    return projection({ changes, kept });
  },
};

/** Returns true for an entry that ocilot wrote as a whole; one that only got the annotation holds something else. */
function isOwnEntry({ entry, node }: OpenedEntry, subject: Digest): boolean {
  if (manifestOf(node)?.subject !== undefined) return false;
  const edge = recordedEdge(subject, node, { convention: "containerd" }, "N");
  return (
    sameLine(entry.descriptor, referrerEntry(edge, { [CONTAINERD_SUBJECT]: subject }).descriptor) && hasOnlyPlainMembers(entry.descriptor)
  );
}

/** Drops annotations of the entry that are not its manifest's. */
function withoutMarks(node: ManifestNode): ManifestNode {
  const { annotations, ...rest } = node.descriptor;
  return annotations === undefined ? node : { ...node, descriptor: { ...rest, annotations: manifestAnnotations(annotations) } };
}

interface Marked {
  readonly opened: OpenedEntry;
  readonly key: string;
  readonly value: string;
}

/** Builds from before the key was settled used image-spec's for single manifests; on a list that key means a list. */
async function markedEntries(view: LayoutView): Promise<Marked[]> {
  return (await openEntries(view)).flatMap((opened) => {
    for (const key of [CONTAINERD_SUBJECT, IMAGE_SPEC_SUBJECT]) {
      const value = opened.entry.descriptor.annotations?.[key];
      if (value !== undefined) return [{ opened, key, value }];
    }
    return [];
  });
}

function problemOf({ opened, key, value }: Marked): Problem | undefined {
  const { entry, node } = opened;
  const about = { position: entry.position, digest: entry.descriptor.digest };
  if (!isDigest(value)) return { code: "INVALID_SUBJECT", message: `${key} is ${JSON.stringify(value)}, which is not a digest`, ...about };
  const subject = manifestOf(node)?.subject?.digest;
  if (subject !== undefined && subject !== value) {
    return {
      code: "SUBJECT_CONFLICT",
      message: `${key} names ${value}, the manifest's subject is ${subject}; the manifest is right`,
      ...about,
    };
  }
  if (node.state === "damaged") return { code: "UNREADABLE", message: node.error.message, ...about };
  if (node.state === "absent")
    return { code: "UNVERIFIED_LINE", message: `${entry.descriptor.digest} is missing from the layout`, ...about };
  return undefined;
}
