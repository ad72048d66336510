import type { ConventionId } from "./edge.js";
import { READERS } from "./conventions/registry.js";
import { ReferrerGraph, followSubjects } from "./graph.js";
import type { LayoutView } from "./view.js";

/** Reads a layout through every convention, or through those named, into one graph. */
export async function readGraph(view: LayoutView, conventions?: readonly ConventionId[]): Promise<ReferrerGraph> {
  const graph = new ReferrerGraph();
  for (const convention of READERS) {
    if (conventions !== undefined && !conventions.includes(convention.id)) continue;
    for (const edge of await convention.read(view)) graph.add(edge);
  }
  await followSubjects(graph, view);
  return graph;
}
