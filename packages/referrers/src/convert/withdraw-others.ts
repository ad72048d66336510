import type { Convention } from "../conventions/convention.js";
import { conventionsFor, partsOf } from "../conventions/registry.js";
import { EdgeSet } from "../graph/edge-set.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import type { IndexDraft } from "../records/index-draft.js";
import type { UnrepresentableLink } from "../records/projection.js";
import { unrepresentableEdges } from "../records/unrepresentable.js";
import type { LayoutView } from "../view/layout-view.js";

/**
 * Removes the records of every convention that is no target, link by link, where another record holds the link.
 * @param losses the links that no target holds
 * @returns why records stay
 */
export async function withdrawOthers(
  draft: IndexDraft,
  graph: ReferrerGraph,
  targets: readonly Convention[],
  losses: readonly UnrepresentableLink[],
): Promise<string[]> {
  const lost = losses.length === 0 ? undefined : unrepresentableEdges(losses);
  const leaving = withdrawalOrder(targets.flatMap(partsOf), conventionsFor(draft.view().origin));
  const kept: string[] = [];
  for (const convention of leaving) {
    const held = lost === undefined ? graph : await heldWithout(convention, leaving, graph, lost, draft.view());
    const withdrawal = await convention.withdraw(held, draft.view());
    draft.apply(withdrawal);
    kept.push(...withdrawal.kept);
  }
  return kept;
}

/** The oras convention comes last: its record is the plain entry that others leave when they remove their annotation. */
function withdrawalOrder(staying: readonly Convention[], all: readonly Convention[]): Convention[] {
  const others = all.filter((c) => !staying.includes(c) && partsOf(c).length === 1);
  return others.toSorted((a, b) => Number(a.id === "oras") - Number(b.id === "oras"));
}

/** The links that stay recorded without this convention: in a target, or in a convention whose turn has not come. */
async function heldWithout(
  convention: Convention,
  others: readonly Convention[],
  graph: ReferrerGraph,
  lost: EdgeSet,
  view: LayoutView,
): Promise<ReferrerGraph> {
  const elsewhere = new EdgeSet();
  for (const other of others) {
    if (other === convention || other.id === "unlisted") continue;
    for (const edge of await other.read(view)) elsewhere.add(edge);
  }
  return graph.filter((e) => !lost.has(e) || elsewhere.has(e));
}
