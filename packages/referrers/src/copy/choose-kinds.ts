import type { Descriptor, Digest, Layout } from "@ocilot/layout/web";
import { resolveReferrers } from "../evidence/resolve-referrers.js";
import type { StatementKind } from "../evidence/statement.js";
import { matchesStatement } from "../evidence/statement-filter.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import type { LayoutView } from "../view/layout-view.js";
import { type Closure, collectClosure } from "./closure.js";

/** Of what referrers are chosen, and which. */
export interface KindChoice {
  readonly roots: readonly Descriptor[];
  readonly leaveOut: ReadonlySet<Digest>;
  readonly kinds: readonly StatementKind[] | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Returns the links to referrers that state something of one of the kinds. Content is read where a manifest does not tell its kind. */
export async function chooseKinds(
  source: Layout,
  view: LayoutView,
  graph: ReferrerGraph,
  { roots, leaveOut, kinds, signal }: KindChoice,
): Promise<ReferrerGraph> {
  if (kinds === undefined) return graph;
  const { edges } = await collectClosure(source, view, graph, roots, { leaveOut, hasMore: () => false, signal });
  const statements = await resolveReferrers(view, edges, source.blobs, signal && { signal });
  const isChosen = ({ referrer }: ReferrerEdge): boolean =>
    (statements.get(referrer.digest) ?? []).some((statement) => matchesStatement(statement, { kinds }));
  const chosen = new Set(edges.filter(isChosen));
  return graph.filter((edge) => chosen.has(edge));
}

/** Returns the links to referrers of what is copied that were not chosen. */
export function unchosenEdges(all: ReferrerGraph, chosen: ReferrerGraph, { manifests }: Closure): ReferrerEdge[] {
  if (all === chosen) return [];
  return all
    .edges()
    .filter((e) => manifests.has(e.subject) && !chosen.has(e.subject, e.referrer.digest) && !manifests.has(e.referrer.digest));
}
