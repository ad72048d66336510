import { type Digest, type RecordEdit, type Layout, OcilotError, type WriteOptions } from "@ocilot/layout/web";
import { readGraph } from "../conventions/read-graph.js";
import { openView } from "../view/open-view.js";
import { detachedDigests, detachedEdit } from "../view/detached.js";
import { draftWithout } from "./draft-without.js";
import { writeDraft } from "./project-records.js";

/**
 * Removes a manifest from a layout as a registry deletes one: its tags, its entries, its records as a referrer, then the blob
 * itself. Its own referrers stay, and so does an image index that it is a part of. A crash in between leaves the blob, marked
 * as about to be deleted; the next `detach` or `gc` deletes it.
 * @throws OcilotError `REF_NOT_FOUND` if it is not there, and what writing throws
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { removeManifest } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * await removeManifest(layout, image.digest); // its referrers stay
 * ```
 */
export async function removeManifest(layout: Layout, digest: Digest, options: WriteOptions = {}): Promise<void> {
  if (!(await layout.blobs.has(digest))) {
    throw new OcilotError("REF_NOT_FOUND", `${digest} is not in the layout`, { reference: `@${digest}` });
  }
  await layout.index.update(async (snapshot) => {
    const view = await openView(layout, { snapshot, strict: true });
    const graph = await readGraph(view);
    const edges = graph.edges().filter((e) => e.referrer.digest === digest);
    if (edges.length > 0) return await writeDraft(layout, await draftWithout(view, graph, edges), view, graph);
    const entries = view.entries.filter((e) => e.descriptor.digest === digest);
    return [
      ...entries.map((e): RecordEdit => ({ op: "remove", position: e.position })),
      detachedEdit([...detachedDigests(view.annotations), digest]),
    ];
  }, options);
  await layout.index.update(async (snapshot) => {
    const detached = detachedDigests(snapshot.annotations);
    // Who pushed it again meanwhile has taken the mark away.
    if (!detached.delete(digest)) return [];
    await layout.blobs.delete(digest);
    return [detachedEdit(detached)];
  }, options);
}
