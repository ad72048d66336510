import { EMPTY_JSON, type Manifest } from "@ocilot/layout/spec";
import type { Loss } from "../convention.js";
import { type ReferrerEdge, edgeKey } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { type LayoutView, manifestOf } from "../view.js";

/** On a lifted manifest: the digest of the manifest that it stands for. One of BuildKit's form has none, as BuildKit's own has none. */
export const LIFTED_FROM = "io.ocilot.lifted-from";

/** Tells whether current tools do not read a link by a `subject`: it has none, or its manifest is of a withdrawn type. */
export function isLiftable(edge: ReferrerEdge): boolean {
  return edge.verified && (edge.link === "N" || edge.legacy === true);
}

/**
 * The links that need no subject any more, by {@link edgeKey}: the same subject has a referrer with the same content, made
 * by a lift or by whoever else. Layers tell, the annotation alone does not: it may be anybody's word.
 */
export async function liftedLinks(graph: ReferrerGraph, view: LayoutView): Promise<Map<string, ReferrerEdge>> {
  const pairs = graph
    .edges()
    .filter(isLiftable)
    .flatMap((edge) => graph.of(edge.subject).flatMap((other) => (stands(other) ? [{ edge, other }] : [])));
  const nodes = await view.nodes(pairs.flatMap(({ edge, other }) => [edge.referrer, other.referrer]));
  const lifted = new Map<string, ReferrerEdge>();
  for (const [i, { edge, other }] of pairs.entries()) {
    const [original, candidate] = [manifestOf(nodes[2 * i]), manifestOf(nodes[2 * i + 1])];
    if (original === undefined || candidate === undefined || contentOf(original) !== contentOf(candidate)) continue;
    if (hasContent(original) || other.annotations[LIFTED_FROM] === edge.referrer.digest) lifted.set(edgeKey(edge), other);
  }
  return lifted;
}

/** The losses that really are some: a link that was lifted says what it says by another manifest, too. */
export async function withoutLifted(losses: readonly Loss[], graph: ReferrerGraph, view: LayoutView): Promise<Loss[]> {
  const lifted = losses.length === 0 ? new Map() : await liftedLinks(graph, view);
  return losses.filter((l) => !lifted.has(edgeKey({ subject: l.subject, referrer: { digest: l.referrer } })));
}

/** What nothing lists is not found by other tools: it stands for nothing. */
function stands(edge: ReferrerEdge): boolean {
  return edge.link === "S" && edge.verified && edge.legacy !== true && edge.evidence.some((e) => e.convention !== "unlisted");
}

function contentOf({ layers, manifests }: Manifest): string {
  const parts = [...layers.filter((d) => d.mediaType !== EMPTY_JSON), ...manifests];
  return parts.map((d) => `${d.mediaType} ${d.digest} ${d.size}`).join("\n");
}

function hasContent(manifest: Manifest): boolean {
  return contentOf(manifest) !== "";
}
