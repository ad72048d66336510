import type { Digest } from "@ocilot/layout/spec";
import { type ReferrerEdge, edgeKey } from "../graph/edge.js";
import type { LayoutView } from "../view/layout-view.js";
import { type ManyBlobs, type OpenReferrersOptions, classifyReferrers, openReferrers } from "./open-referrers.js";
import type { Classification } from "./statement.js";

/**
 * What each referrer states, by its digest: as the manifests tell it, and where they do not tell what kind of statement it is
 * (an envelope without an annotation, a bare JSON file), as the content tells it. Of most layouts no blob is read.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, readGraph, resolveReferrers } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * const edges = graph.of((await layout.resolve("v1")).digest);
 * for (const [digest, found] of await resolveReferrers(view, edges, layout.blobs)) console.log(digest, found[0]?.kind);
 * ```
 */
export async function resolveReferrers(
  view: LayoutView,
  edges: readonly ReferrerEdge[],
  blobs: ManyBlobs,
  options: OpenReferrersOptions = {},
): Promise<ReadonlyMap<Digest, readonly Classification[]>> {
  const classified = await classifyReferrers(view, edges);
  const open = edges.filter((e) => classified.get(e.referrer.digest)?.some(isUntold) === true);
  if (open.length === 0) return classified;
  const statements = await openReferrers(view, open, blobs, options);
  for (const edge of open) {
    const opened = statements.get(edgeKey(edge));
    if (opened !== undefined) classified.set(edge.referrer.digest, opened);
  }
  return classified;
}

const BARE_JSON = new Set(["application/json", "text/json"]);

function isUntold({ kind, predicateType, layer }: Classification): boolean {
  if (layer === undefined) return false;
  return (kind === "attestation" && predicateType === undefined) || (kind === "other" && BARE_JSON.has(layer.mediaType));
}
