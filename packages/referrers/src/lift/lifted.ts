import { EMPTY_JSON, type Manifest } from "@ocilot/layout/spec";
import type { UnrepresentableLink } from "../records/projection.js";
import { type ReferrerEdge, edgeKey, isUnlisted } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/** On a lifted manifest: the digest of the manifest that it stands for. One of BuildKit's form has none, as BuildKit's own has none. */
export const LIFTED_FROM = "io.ocilot.lifted-from";

/** Tells whether current tools do not read a link by a `subject`: it has none, or its manifest is of a withdrawn type. */
export function isLiftable(edge: ReferrerEdge): boolean {
  return edge.verified && (edge.link === "N" || edge.legacy === true);
}

/**
 * The links that need no subject any more, by {@link edgeKey}, with what stands for each: the same subject has a referrer
 * with the same content, made by a lift or by another tool. The layers decide; the annotation alone proves nothing.
 */
export async function liftedLinks(graph: ReferrerGraph, view: LayoutView): Promise<Map<string, ReferrerEdge>> {
  const liftable = graph.edges().filter(isLiftable);
  const subjects = new Set(liftable.map((e) => e.subject));
  const standing = [...subjects].flatMap((subject) => graph.of(subject).filter(stands));
  const byContent = new Map<string, ReferrerEdge>();
  for (const [i, node] of (await view.nodes(standing.map((e) => e.referrer))).entries()) {
    const edge = standing[i]!;
    // Manifests without content differ in nothing but where they say that they come from.
    const content = contentOf(manifestOf(node)) || edge.annotations[LIFTED_FROM];
    if (content !== undefined) byContent.set(`${edge.subject} ${content}`, edge);
  }
  const lifted = new Map<string, ReferrerEdge>();
  for (const [i, node] of (await view.nodes(liftable.map((e) => e.referrer))).entries()) {
    const edge = liftable[i]!;
    const other = byContent.get(`${edge.subject} ${contentOf(manifestOf(node)) || edge.referrer.digest}`);
    if (other !== undefined) lifted.set(edgeKey(edge), other);
  }
  return lifted;
}

/** Returns the losses without the links that were lifted: another manifest holds the same content. */
export async function withoutLifted(
  losses: readonly UnrepresentableLink[],
  graph: ReferrerGraph,
  view: LayoutView,
): Promise<UnrepresentableLink[]> {
  const lifted = losses.length === 0 ? new Map() : await liftedLinks(graph, view);
  return losses.filter((l) => !lifted.has(edgeKey({ subject: l.subject, referrer: { digest: l.referrer } })));
}

/** Returns true for a referrer that other tools find, and so can replace another; an unlisted one is not found. */
function stands(edge: ReferrerEdge): boolean {
  return edge.link === "S" && edge.verified && edge.legacy !== true && !isUnlisted(edge);
}

function contentOf(manifest: Manifest | undefined): string {
  const parts = [...(manifest?.layers ?? []).filter((d) => d.mediaType !== EMPTY_JSON), ...(manifest?.manifests ?? [])];
  return parts.map((d) => `${d.mediaType} ${d.digest} ${d.size}`).join("\n");
}
