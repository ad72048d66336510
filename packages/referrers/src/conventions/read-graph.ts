import type { ConventionId } from "../graph/edge.js";
import { conventionsFor, partsOf } from "./registry.js";
import { ReferrerGraph, followSubjects } from "../graph/referrer-graph.js";
import type { LayoutView } from "../view/layout-view.js";

/**
 * Reads a layout through every convention, or through those named, into one graph.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const graph = await readGraph(await openView(layout));
 * for (const { referrer, evidence } of graph.of(image.digest)) console.log(
 *   referrer.digest,
 *   evidence.map((e) => e.convention),
 * );
 * ```
 */
export async function readGraph(view: LayoutView, conventions?: readonly ConventionId[]): Promise<ReferrerGraph> {
  const graph = new ReferrerGraph();
  for (const convention of conventionsFor(view.origin)) {
    if (partsOf(convention).length > 1) continue;
    if (conventions !== undefined && !conventions.includes(convention.id)) continue;
    for (const edge of await convention.read(view)) graph.add(edge);
  }
  await followSubjects(graph, view);
  return graph;
}
