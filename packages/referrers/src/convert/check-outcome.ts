import { EdgeSet } from "../graph/edge-set.js";
import type { ConventionId, ReferrerEdge } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { entriesByDigest } from "../records/referrer-entries.js";
import { findLists } from "../records/referrer-lists.js";
import { unrepresentableEdges } from "../records/unrepresentable.js";
import { toolsOf } from "../tools/registry.js";
import type { ReaderTool } from "../tools/reader-tool.js";
import type { LayoutView } from "../view/layout-view.js";
import type { DraftedTarget } from "./draft-targets.js";

/**
 * Reasons to refuse a conversion, from the layout before and after; empty if there is none. Each target's own reader has to
 * state every link that the target can represent, the programs named after it have to find them, and everything that was
 * reachable from `index.json` has to stay reachable.
 */
export async function checkOutcome(
  before: LayoutView,
  after: LayoutView,
  graph: ReferrerGraph,
  targets: readonly DraftedTarget[],
): Promise<string[]> {
  const reasons: string[] = [];
  for (const target of targets) {
    const unrepresentable = unrepresentableEdges(target.losses);
    const expected = graph.edges().filter((e) => e.verified && !unrepresentable.has(e));
    // Where nothing changes, the graph says already what each convention states.
    const open = before === after ? expected.filter((e) => !isStatedBy(e, target.convention.id)) : expected;
    if (open.length > 0) reasons.push(...(await notStated(target, open, after)));
    for (const tool of toolsOf(target.convention.id)) reasons.push(...(await notFound(tool, expected, after)));
  }
  return [...reasons, ...(await unreachable(before, after))];
}

function isStatedBy({ evidence }: ReferrerEdge, id: ConventionId): boolean {
  return evidence.some((e) => e.convention === id);
}

async function notStated({ convention }: DraftedTarget, expected: readonly ReferrerEdge[], after: LayoutView): Promise<string[]> {
  const stated = new EdgeSet(await convention.read(after));
  return expected
    .filter((e) => !stated.has(e))
    .map((e) => `${convention.id} would not record ${e.referrer.digest} as a referrer of ${e.subject}`);
}

async function notFound(tool: ReaderTool, expected: readonly ReferrerEdge[], after: LayoutView): Promise<string[]> {
  const blocked = (await tool.traps(after)).find((t) => t.severity === "blocks");
  if (blocked !== undefined) return [`${tool.id} cannot use the layout: ${blocked.message}`];
  const reasons: string[] = [];
  for (const [subject, edges] of groupBy(expected, (e) => e.subject)) {
    // oras resolves a subject in index.json, where a missing one need not be listed: then it cannot be asked.
    if (tool.id === "oras" && !entriesByDigest(after).has(subject) && !(await after.has(subject))) continue;
    const found = new Set(await tool.finds(after, subject));
    for (const { referrer } of edges)
      if (!found.has(referrer.digest)) reasons.push(`${tool.id} would not find ${referrer.digest}, a referrer of ${subject}`);
  }
  return reasons;
}

async function unreachable(before: LayoutView, after: LayoutView): Promise<string[]> {
  const lists = new Set((await findLists(before)).records.map((r) => r.entry.descriptor.digest));
  const reachable = new Set((await after.reach()).map((r) => r.node.descriptor.digest));
  return (await before.reach())
    .map((r) => r.node.descriptor.digest)
    .filter((digest) => !reachable.has(digest) && !lists.has(digest))
    .map((digest) => `${digest} would no longer be reachable from index.json`);
}
