import type { Digest, IndexEntry } from "@ocilot/layout/spec";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { openEntries } from "../records/referrer-entries.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * The images of a layout, by digest: what has an entry and is no list, no referrer and no part of another image.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph, rootImages } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * for (const [digest, { tag }] of await rootImages(graph, view)) console.log(tag, digest);
 * ```
 */
export async function rootImages(graph: ReferrerGraph, view: LayoutView): Promise<Map<Digest, IndexEntry>> {
  const parts = new Set<Digest>(graph.referrers());
  for (const { node } of await view.reach()) for (const child of manifestOf(node)?.manifests ?? []) parts.add(child.digest);
  const roots = new Map<Digest, IndexEntry>();
  for (const { entry } of await openEntries(view)) {
    const { digest } = entry.descriptor;
    if (!parts.has(digest) && !roots.has(digest)) roots.set(digest, entry);
  }
  return roots;
}
