import type { Digest } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { groupBy } from "../graph/group-by.js";
import type { LayoutView } from "../view/layout-view.js";

/**
 * Returns links to a missing subject, and links to referrers that only such links lead to. A referrer stays if it has a tag, is part of
 * an image index, also refers to something that is present, or is related to a referrer that stays: as its subject, or as a referrer of
 * that subject.
 */
export async function danglingEdges(view: LayoutView, graph: ReferrerGraph): Promise<ReferrerEdge[]> {
  const held = new Set<Digest>(view.entries.flatMap((e) => (e.tag === undefined ? [] : e.descriptor.digest)));
  const present = new Set<Digest>();
  for (const subject of graph.subjects()) if (await view.has(subject)) present.add(subject);
  for (const edge of graph.edges()) if (edge.evidence.some((v) => v.convention === "buildkit")) held.add(edge.referrer.digest);
  const subjectsOf = groupBy(graph.edges(), (e) => e.referrer.digest);
  const gone = new Set<Digest>();
  const found: ReferrerEdge[] = [];
  let level = graph.edges();
  while (level.length > 0) {
    const going = level.filter(({ referrer: { digest } }) => {
      return !held.has(digest) && subjectsOf.get(digest)!.every((e) => !present.has(e.subject) || gone.has(e.subject));
    });
    found.push(...going);
    const fresh = going.filter((e) => !gone.has(e.referrer.digest));
    for (const edge of fresh) gone.add(edge.referrer.digest);
    level = fresh.flatMap((e) => graph.of(e.referrer.digest));
  }
  let staying = graph.edges().flatMap((e) => (gone.has(e.referrer.digest) ? [] : e.subject));
  while (staying.length > 0) {
    const spared = staying.filter((digest) => gone.delete(digest));
    staying = spared.flatMap((d) => [...subjectsOf.get(d)!.map((e) => e.subject), ...graph.of(d).map((e) => e.referrer.digest)]);
  }
  return [...new Set(found)].filter((e) => gone.has(e.referrer.digest));
}
