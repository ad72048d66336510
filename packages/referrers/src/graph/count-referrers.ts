import type { Digest } from "@ocilot/layout/spec";

/**
 * Returns the number of referrers: manifests that refer to something, each counted once, by however many conventions and for
 * however many subjects it is recorded. Every command that prints a number of referrers takes it from here.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { countReferrers, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * console.log(countReferrers(graph.edges()), "referrers");
 * ```
 */
export function countReferrers(links: Iterable<{ readonly referrer: { readonly digest: Digest } }>): number {
  const digests = new Set<Digest>();
  for (const { referrer } of links) digests.add(referrer.digest);
  return digests.size;
}
