import type { Digest } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { groupBy } from "../group-by.js";
import type { LayoutView } from "../view.js";

/**
 * Links to a subject that is not there, and to what only such links lead to. A referrer stays that bears a tag, that is
 * part of an image index, or that refers to something else that is there.
 */
export async function danglingEdges(view: LayoutView, graph: ReferrerGraph): Promise<ReferrerEdge[]> {
  const held = new Set<Digest>(view.entries.flatMap((e) => (e.tag === undefined ? [] : e.descriptor.digest)));
  const present = new Set<Digest>();
  for (const subject of graph.subjects()) if (await view.has(subject)) present.add(subject);
  for (const edge of graph.edges()) if (edge.evidence.some((v) => v.convention === "buildkit")) held.add(edge.referrer.digest);
  const subjectsOf = groupBy(graph.edges(), (e) => e.referrer.digest);
  const gone = new Set<Digest>();
  const found: ReferrerEdge[] = [];
  let level = graph.edges().filter((e) => !present.has(e.subject));
  while (level.length > 0) {
    const going = level.filter(({ referrer: { digest } }) => {
      const others = subjectsOf.get(digest) ?? [];
      return !held.has(digest) && others.every((e) => !present.has(e.subject) || gone.has(e.subject));
    });
    found.push(...going);
    const fresh = going.filter((e) => !gone.has(e.referrer.digest));
    for (const edge of fresh) gone.add(edge.referrer.digest);
    level = fresh.flatMap((e) => graph.of(e.referrer.digest));
  }
  return [...new Set(found)];
}
