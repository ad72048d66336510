import { type Digest, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout/web";
import { readGraph } from "../conventions/read-graph.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { replacedLists } from "../records/replaced-lists.js";
import { detachedDigests } from "../view/detached.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { stillNamed } from "../view/still-named.js";
import { openView } from "../view/open-view.js";
import { deleteReplaced, timeBefore } from "./delete-replaced.js";
import { draftWithout } from "./draft-without.js";
import { finishDetach } from "./finish-detach.js";
import { writeDraft } from "./project-records.js";

/** A link that is no longer in the layout. */
export interface DetachedLink {
  readonly subject: Digest;
  readonly referrer: Digest;
}

/** What was removed. */
export interface DetachResult {
  readonly removed: readonly DetachedLink[];
}

/** How a referrer is detached. */
export interface DetachOptions extends WriteOptions {
  /** Detach the referrers of the referrer too; without it a referrer that has any is refused. */
  readonly recursive?: boolean;
}

/**
 * Removes a referrer from every convention that records it, then deletes its manifest; its layers are left for a garbage
 * collection. A crash in between leaves a manifest that is marked as about to be deleted: it counts as a referrer no
 * longer, and the next `detach` or `gc` deletes it.
 * @throws OcilotError `REF_NOT_FOUND` if it is no referrer, `WRITE_REFUSED` if it has a tag, is part of an image index or
 * has referrers of its own, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { detach, listReferrers } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * for await (const { descriptor } of listReferrers(layout, image.digest, { artifactType: "application/spdx+json" }))
 *   console.log((await detach(layout, descriptor.digest)).removed);
 * ```
 */
export async function detach(layout: Layout, referrer: Digest, options: DetachOptions = {}): Promise<DetachResult> {
  let removed: readonly DetachedLink[] = [];
  let replaced: readonly Digest[] = [];
  let started = 0;
  const written = await layout.index.update(async (snapshot) => {
    const view = await openView(layout, { snapshot, scan: true, strict: true });
    const graph = await readGraph(view);
    const edges = edgesToRemove(graph, referrer, options.recursive ?? false);
    removed = edges.length > 0 ? edges.map(linkOf) : await interruptedDetach(layout, view, referrer);
    if (edges.length === 0) return [];
    refuseHeld(view, edges);
    const draft = await draftWithout(view, graph, edges);
    await refuseNamed(layout, draft.view(), edges, options.signal);
    replaced = await replacedLists(view, draft.view());
    started = await timeBefore(layout, replaced);
    return await writeDraft(layout, draft, view, graph);
  }, options);
  await deleteReplaced(layout, replaced, written, started, options);
  const digests = removed.map((link) => link.referrer);
  await finishDetach(layout, digests, options);
  return { removed };
}

function linkOf({ subject, referrer }: ReferrerEdge): DetachedLink {
  return { subject, referrer: referrer.digest };
}

/** The link of a referrer that an interrupted run has taken out of every record. @throws OcilotError `REF_NOT_FOUND` */
async function interruptedDetach(layout: Layout, view: LayoutView, referrer: Digest): Promise<DetachedLink[]> {
  if (!detachedDigests(view.annotations).has(referrer)) {
    throw new OcilotError(
      "REF_NOT_FOUND",
      `${referrer} is not a referrer of anything in this layout`,
      { reference: `@${referrer}` },
      { hint: "List the contents with: ocilot ls LAYOUT" },
    );
  }
  if (!(await layout.blobs.has(referrer))) return [];
  const [node] = await view.nodes([await layout.resolve(`@${referrer}`)]);
  const subject = manifestOf(node)?.subject?.digest;
  return subject === undefined ? [] : [{ subject, referrer }];
}

function edgesToRemove(graph: ReferrerGraph, referrer: Digest, recursive: boolean): ReferrerEdge[] {
  const own = graph.edges().filter((e) => e.referrer.digest === referrer);
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

/** Refuses what `detach` must not change: a tag, which a user chose, and an image index, which may be signed. */
function refuseHeld(view: LayoutView, removed: readonly ReferrerEdge[]): void {
  const digests = new Set(removed.map((e) => e.referrer.digest));
  const tagged = view.entries.find((e) => e.tag !== undefined && digests.has(e.descriptor.digest));
  if (tagged !== undefined) {
    throw new OcilotError(
      "WRITE_REFUSED",
      `${tagged.descriptor.digest} has the tag ${tagged.tag}`,
      { reason: "tagged" },
      { hint: `Remove the tag first: ocilot untag LAYOUT:${tagged.tag}` },
    );
  }
  for (const edge of removed) {
    const inside = edge.evidence.find((e) => e.convention === "buildkit");
    if (inside === undefined) continue;
    throw new OcilotError(
      "WRITE_REFUSED",
      `${edge.referrer.digest} is part of the image index ${inside.within}, whose digest would change without it`,
      { reason: "inside-index" },
    );
  }
}

/** What is held elsewhere stays in the layout, with its subject, and would be found as a referrer again. */
async function refuseNamed(
  layout: Layout,
  after: LayoutView,
  removed: readonly ReferrerEdge[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const named = await stillNamed(layout, after, new Set(removed.map((e) => e.referrer.digest)), signal);
  const [first] = named ?? [];
  if (first === undefined) return;
  const [digest, by] = first;
  throw new OcilotError(
    "WRITE_REFUSED",
    `${digest} is named by ${by ?? "index.json or a file beside it"} as well, so that it would stay in the layout and be found as a referrer again`,
    { reason: "held" },
    { hint: by === undefined ? "Nothing was changed." : `Nothing was changed. See what that is with: ocilot cat LAYOUT@${by}` },
  );
}
