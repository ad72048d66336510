import { type Digest, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout";
import { CONVENTIONS } from "../conventions/registry.js";
import type { IndexChange } from "../convention.js";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { IndexDraft } from "../index-draft.js";
import { openView } from "../layout-view.js";
import { findLists } from "../lists.js";
import { isBareEntry } from "../marks.js";
import { readGraph } from "../read-graph.js";
import { reachableWithoutBare } from "../records.js";
import type { LayoutView } from "../view.js";
import { writeDraft } from "./project-all.js";

/** What was taken out. */
export interface DetachResult {
  readonly removed: readonly { readonly subject: Digest; readonly referrer: Digest }[];
}

export interface DetachOptions extends WriteOptions {
  /** Detach the referrers of the referrer too; without it one that has any is refused. */
  readonly recursive?: boolean;
}

/**
 * Takes a referrer out of every convention that records it, and then removes its manifest, so that no scan finds it
 * again; its layers are left for a collection. A crash in between leaves the manifest as a blob that nothing names.
 * @throws OcilotError `REF_NOT_FOUND` if it is no referrer, `WRITE_REFUSED` if a tag or a signed index holds it or it
 * has referrers of its own, and what writing throws
 */
export async function detach(layout: Layout, referrer: Digest, options: DetachOptions = {}): Promise<DetachResult> {
  let removed: ReferrerEdge[] = [];
  await layout.index.update(async (snapshot) => {
    const view = await openView(layout, { snapshot, scan: true, strict: true });
    const graph = await readGraph(view);
    removed = edgesToRemove(graph, referrer, options.recursive ?? false);
    refuseHeld(view, removed);
    return await writeDraft(layout, await draftWithout(view, graph, removed), view, graph);
  }, options);
  await layout.index.update(async (snapshot) => {
    const view = await openView(layout, { snapshot, strict: true });
    const reachable = new Set((await view.reach()).map((r) => r.node.descriptor.digest));
    for (const { referrer: gone } of removed) if (!reachable.has(gone.digest)) await layout.blobs.delete(gone.digest);
    return [];
  }, options);
  return { removed: removed.map((e) => ({ subject: e.subject, referrer: e.referrer.digest })) };
}

function edgesToRemove(graph: ReferrerGraph, referrer: Digest, recursive: boolean): ReferrerEdge[] {
  const own = graph.edges().filter((e) => e.referrer.digest === referrer);
  if (own.length === 0) {
    throw new OcilotError(
      "REF_NOT_FOUND",
      `${referrer} refers to nothing in this layout`,
      { reference: `@${referrer}` },
      { hint: "List what there is with: ocilot ls LAYOUT" },
    );
  }
  const removed = [...own];
  const seen = new Set([referrer]);
  for (const edge of removed) {
    for (const above of graph.of(edge.referrer.digest)) {
      if (!recursive) {
        throw new OcilotError(
          "WRITE_REFUSED",
          `${referrer} has referrers of its own, ${above.referrer.digest} first`,
          { reason: "has-referrers" },
          { hint: "Detach them first, or all at once with --recursive." },
        );
      }
      if (!seen.has(above.referrer.digest)) removed.push(above);
      seen.add(above.referrer.digest);
    }
  }
  return removed;
}

/** A tag is somebody's name for it, an image index is signed: neither is changed on the way. */
function refuseHeld(view: LayoutView, removed: readonly ReferrerEdge[]): void {
  const digests = new Set(removed.map((e) => e.referrer.digest));
  const tagged = view.entries.find((e) => e.tag !== undefined && digests.has(e.descriptor.digest));
  if (tagged !== undefined) {
    throw new OcilotError(
      "WRITE_REFUSED",
      `${tagged.descriptor.digest} bears the tag ${tagged.tag}`,
      { reason: "tagged" },
      { hint: `Remove the tag first: ocilot untag LAYOUT:${tagged.tag}` },
    );
  }
  for (const edge of removed) {
    const inside = edge.evidence.find((e) => e.convention === "buildkit");
    if (inside === undefined) continue;
    throw new OcilotError(
      "WRITE_REFUSED",
      `${edge.referrer.digest} is part of the image index ${inside.within}, which would get another digest without it`,
      { reason: "inside-index" },
    );
  }
}

/** The layout without any record of some links. */
export async function draftWithout(view: LayoutView, graph: ReferrerGraph, removed: readonly ReferrerEdge[]): Promise<IndexDraft> {
  const gone = new Set(removed.map((e) => e.referrer.digest));
  const rest = graph.filter((e) => !gone.has(e.referrer.digest));
  const draft = new IndexDraft(view);
  draft.apply({ changes: await emptyRecords(view, rest, removed), blobs: [] });
  for (const convention of CONVENTIONS) {
    if (convention.traits.shape !== "list" || (await convention.detect(draft.view())).entries.length === 0) continue;
    draft.apply(await convention.project(onlySubjects(rest, removed), draft.view()));
  }
  return draft;
}

/** The entries of the referrers, the lists that are empty without them, the bare entries that no longer serve. */
async function emptyRecords(view: LayoutView, rest: ReferrerGraph, removed: readonly ReferrerEdge[]): Promise<IndexChange[]> {
  const gone = new Set(removed.map((e) => e.referrer.digest));
  const positions = new Set<number>();
  for (const entry of view.entries) if (gone.has(entry.descriptor.digest)) positions.add(entry.position);
  for (const { entry, lines, subjects } of (await findLists(view)).records) {
    const left = lines.filter((l) => !gone.has(l.node.descriptor.digest) && (l.verdict === "right" || l.verdict === "unverified"));
    if (lines.length > left.length && left.length === 0 && subjects.every((s) => rest.of(s).every((e) => e.link === "N")))
      positions.add(entry.position);
  }
  const reachable = await reachableWithoutBare(view, positions);
  for (const entry of view.entries) {
    const { digest } = entry.descriptor;
    const served = removed.some((e) => e.subject === digest) && rest.of(digest).length === 0;
    if (served && isBareEntry(entry) && reachable.has(digest)) positions.add(entry.position);
  }
  return [...positions].map((position) => ({ op: "remove", position }));
}

/** Only the subjects that lost a referrer: no other list is touched. */
function onlySubjects(graph: ReferrerGraph, removed: readonly ReferrerEdge[]): ReferrerGraph {
  const subjects = new Set(removed.map((e) => e.subject));
  return graph.filter((e) => subjects.has(e.subject));
}
