import type { Descriptor, Digest } from "@ocilot/layout/spec";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/**
 * Returns the manifests below an image index, through nested indexes, without the attestations among them.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, platformManifests, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * console.log((await platformManifests(view, graph, await layout.resolve("v1"))).map((d) => d.digest));
 * ```
 */
export async function platformManifests(view: LayoutView, graph: ReferrerGraph, root: Descriptor): Promise<Descriptor[]> {
  const referrers = graph.referrers();
  const seen = new Set<Digest>([root.digest]);
  return await below(root);

  async function below(index: Descriptor): Promise<Descriptor[]> {
    const listed = manifestOf((await view.nodes([index]))[0])?.manifests ?? [];
    const children = listed.filter((d) => !referrers.has(d.digest) && !seen.has(d.digest) && seen.add(d.digest));
    const nodes = await view.nodes(children);
    const leaves: Descriptor[] = [];
    for (const [i, child] of children.entries()) {
      const kind = manifestOf(nodes[i])?.kind;
      if (kind === "index" || kind === "docker-list") leaves.push(...(await below(child)));
      else if (child.platform?.os !== "unknown") leaves.push(child);
    }
    return leaves;
  }
}
