import type { Digest } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "./edge.js";

type Link = Pick<ReferrerEdge, "subject"> & { readonly referrer: { readonly digest: Digest } };

/** Links, each once, whatever else is said of them. */
export class EdgeSet {
  readonly #referrers: Map<Digest, Set<Digest>> = new Map();

  constructor(links: Iterable<Link> = []) {
    for (const link of links) this.add(link);
  }

  /** Tells whether it was not there before. */
  add({ subject, referrer: { digest } }: Link): boolean {
    const referrers = this.#referrers.get(subject);
    if (referrers === undefined) this.#referrers.set(subject, new Set([digest]));
    else if (referrers.has(digest)) return false;
    else referrers.add(digest);
    return true;
  }

  has({ subject, referrer: { digest } }: Link): boolean {
    return this.#referrers.get(subject)?.has(digest) ?? false;
  }
}
