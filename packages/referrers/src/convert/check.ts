import type { Convention, Loss } from "../convention.js";
import { EdgeSet } from "../edge-set.js";
import type { ReferrerGraph } from "../graph.js";
import { groupBy } from "../group-by.js";
import { findLists } from "../lists.js";
import { lostLinks } from "../losses.js";
import { toolsOf } from "../tools/registry.js";
import type { LayoutView } from "../view.js";

/**
 * Tells what would be wrong after a conversion, as reasons to refuse it; empty if nothing. The target's own reader
 * must state every edge that it can, the programs named after it must find them, and nothing that could be reached
 * before may be out of reach.
 */
export async function checkOutcome(
  before: LayoutView,
  after: LayoutView,
  graph: ReferrerGraph,
  target: Convention,
  losses: readonly Loss[],
): Promise<string[]> {
  const excused = lostLinks(losses);
  const expected = graph.edges().filter((e) => !excused.has(e));
  const bySubject = groupBy(
    expected.filter((e) => e.verified),
    (e) => e.subject,
  );
  const stated = new EdgeSet(await target.read(after));
  const reasons = expected
    .filter((e) => e.verified && !stated.has(e))
    .map((e) => `${target.id} would not state ${e.referrer.digest} of ${e.subject}`);
  for (const tool of toolsOf(target.id)) {
    const blocked = (await tool.traps(after)).find((t) => t.severity === "blocks");
    if (blocked !== undefined) {
      reasons.push(`${tool.id} cannot use the layout: ${blocked.message}`);
      continue;
    }
    for (const [subject, edges] of bySubject) {
      // oras resolves only what is there: nobody can ask it for the referrers of an absent subject.
      if (tool.id === "oras" && !(await after.has(subject))) continue;
      const found = new Set(await tool.finds(after, subject));
      for (const e of edges)
        if (!found.has(e.referrer.digest)) reasons.push(`${tool.id} would not find ${e.referrer.digest} of ${subject}`);
    }
  }
  return [...reasons, ...(await lostReach(before, after))];
}

async function lostReach(before: LayoutView, after: LayoutView): Promise<string[]> {
  const lists = new Set((await findLists(before)).records.map((r) => r.entry.descriptor.digest));
  const reachable = new Set((await after.reach()).map((r) => r.node.descriptor.digest));
  return (await before.reach())
    .map((r) => r.node.descriptor.digest)
    .filter((digest) => !reachable.has(digest) && !lists.has(digest))
    .map((digest) => `${digest} would be out of reach`);
}
