import type { Digest, IndexEntry } from "@ocilot/layout/spec";
import { rootImages } from "../conventions/root-images.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { openEntries } from "../records/referrer-entries.js";
import type { LayoutView } from "../view/layout-view.js";

/**
 * Returns the entries of images by digest, in their order: of those that stand for themselves, and of tagged platforms of
 * another image. Lists of referrers and referrers, tagged or not, are no images.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { imageEntries, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * for (const [digest, entries] of await imageEntries(view, graph)) {
 *   console.log(
 *     digest,
 *     entries.map((entry) => entry.tag),
 *   );
 * }
 * ```
 */
export async function imageEntries(view: LayoutView, graph: ReferrerGraph): Promise<Map<Digest, IndexEntry[]>> {
  const roots = await rootImages(graph, view);
  const referrers = graph.referrers();
  const images = new Map<Digest, IndexEntry[]>();
  for (const { entry } of await openEntries(view)) {
    const { digest } = entry.descriptor;
    if (!roots.has(digest) && (entry.tag === undefined || referrers.has(digest))) continue;
    images.set(digest, [...(images.get(digest) ?? []), entry]);
  }
  return images;
}
