import { partsOf } from "../conventions/registry.js";
import { edgeKey } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { withoutLifted } from "../lift/lifted.js";
import type { UnrepresentableLink } from "../records/projection.js";
import { unrepresentableEdges } from "../records/unrepresentable.js";
import { toolsOf } from "../tools/registry.js";
import type { LayoutView } from "../view/layout-view.js";
import type { DraftedConversion } from "./draft-targets.js";

/**
 * What a user should know of a conversion that leaves nothing behind: links that only some of the conventions in the target
 * can represent, and what keeps the programs that read the target from using it fully.
 */
export async function planNotes(
  { draft, targets, parts }: DraftedConversion,
  losses: readonly UnrepresentableLink[],
  graph: ReferrerGraph,
  view: LayoutView,
): Promise<string[]> {
  const notes: string[] = [];
  const left = new Set(losses.map(keyOf));
  const lost = new Map(parts.map((p) => [p.convention.id, unrepresentableEdges(p.losses)]));
  const limited = new Map<string, { reason: string; holders: string[] }>();
  for (const target of targets) {
    if (partsOf(target.convention).length === 1) continue;
    const missing = await withoutLifted(target.losses, graph, view);
    for (const loss of missing) {
      if (left.has(keyOf(loss)) || limited.has(keyOf(loss))) continue;
      const holders = [...lost].filter(([, edges]) => !edges.has(linkOf(loss))).map(([id]) => id);
      limited.set(keyOf(loss), { reason: loss.message, holders });
    }
  }
  for (const { reason, holders } of limited.values()) notes.push(`recorded for ${holders.join(", ")} only: ${reason}`);
  for (const { convention } of parts) {
    for (const tool of toolsOf(convention.id)) {
      for (const trap of await tool.traps(draft.view())) if (trap.severity === "warns") notes.push(`${tool.id}: ${trap.message}`);
    }
  }
  return notes;
}

function keyOf(loss: UnrepresentableLink): string {
  return edgeKey(linkOf(loss));
}

function linkOf({ subject, referrer }: UnrepresentableLink): Parameters<typeof edgeKey>[0] {
  return { subject, referrer: { digest: referrer } };
}
