import { bareDescriptor } from "@ocilot/layout/spec";
import type { Convention } from "./convention.js";
import { type IndexChange, type UnrepresentableLink, projection } from "../records/projection.js";
import { linkClassOf, unsupportedReason } from "./support-matrix.js";
import { containerdSubject, entriesByDigest, entryEdge, openEntries, referrerEntry } from "../records/referrer-entries.js";
import { unrepresentableLink } from "../records/unrepresentable.js";
import { isBareEntry, isPlainReferrerEntry } from "../records/entry-annotations.js";
import { reachableWithoutBare } from "../records/record-keys.js";
import { manifestOf } from "../view/layout-view.js";
import { perView } from "../view/per-view.js";

/**
 * Every manifest is an entry, and `subject` alone makes the link: oras, notation, zot. oras resolves `layout@digest`
 * only for digests that `index.json` lists, so a subject that is present gets a bare entry of its own.
 */
export const oras: Convention = {
  id: "oras",
  title: "an entry for each referrer, linked by its subject field (oras, notation)",
  traits: { shape: "individual", nEdges: false, target: true },

  detect: perView(async (view) => {
    const own = (await openEntries(view)).filter(
      (o) => o.entry.tag === undefined && containerdSubject(o.entry) === undefined && entryEdge(o, "oras"),
    );
    return {
      entries: own.map(({ entry }) => ({ position: entry.position, reason: "an untagged entry of a manifest with subject" })),
      flags: [],
      problems: [],
    };
  }),

  async read(view) {
    return (await openEntries(view)).flatMap((opened) => entryEdge(opened, "oras") ?? []);
  },

  async project(graph, view) {
    const listed = entriesByDigest(view);
    const changes: IndexChange[] = [];
    const losses: UnrepresentableLink[] = [];
    for (const edge of graph.edges()) {
      const reason = unsupportedReason("oras", linkClassOf(edge));
      if (reason !== undefined) losses.push(unrepresentableLink(edge, reason));
      // A manifest of a withdrawn type gets its entry all the same: some readers go by it, and it keeps the blob.
      if ((reason === undefined || reason === "legacy-type") && !listed.has(edge.referrer.digest))
        changes.push({ op: "add", ...referrerEntry(edge) });
    }
    const added = new Set(changes.flatMap((c) => (c.op === "add" ? c.key.digest : [])));
    const subjects = graph.edges().flatMap((e) => (e.link === "S" && e.verified && e.subjectDescriptor ? [e.subjectDescriptor] : []));
    const missing = new Map(subjects.filter((d) => !listed.has(d.digest) && !added.has(d.digest)).map((d) => [d.digest, d]));
    for (const node of await view.nodes([...missing.values()])) {
      if (node.state !== "read") continue;
      const { digest } = node.descriptor;
      changes.push({ op: "add", key: { rank: "subject", subject: digest, digest }, descriptor: bareDescriptor(node.descriptor) });
    }
    return projection({ changes, losses });
  },

  async withdraw(graph, view) {
    const changes: IndexChange[] = [];
    const kept: string[] = [];
    for (const opened of await openEntries(view)) {
      const { entry, node } = opened;
      const edge = entryEdge(opened, "oras");
      const manifest = manifestOf(node);
      if (edge === undefined || manifest === undefined || entry.tag !== undefined || containerdSubject(entry) !== undefined) continue;
      if (!isPlainReferrerEntry(entry, manifest))
        kept.push(`index.json entry ${entry.position} (${entry.descriptor.digest}) is kept: it holds more than a record`);
      else if (graph.has(edge.subject, edge.referrer.digest)) changes.push({ op: "remove", position: entry.position });
    }
    const removed = new Set(changes.flatMap((c) => (c.op === "remove" ? c.position : [])));
    const rest = await reachableWithoutBare(view, removed);
    for (const entry of view.entries) {
      const isRecord = !removed.has(entry.position) && isBareEntry(entry) && graph.of(entry.descriptor.digest).some((e) => e.link === "S");
      if (isRecord && rest.has(entry.descriptor.digest)) changes.push({ op: "remove", position: entry.position });
    }
    return projection({ changes, kept });
  },
};
