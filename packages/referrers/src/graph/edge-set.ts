import type { Digest } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "./edge.js";

type Link = Pick<ReferrerEdge, "subject"> & { readonly referrer: { readonly digest: Digest } };

/** A set of links: pairs of a subject and a referrer. */
export class EdgeSet {
  readonly #referrers: Map<Digest, Set<Digest>> = new Map();

  constructor(links: Iterable<Link> = []) {
    for (const link of links) this.add(link);
  }

  /** Adds a link. Returns false if it was in the set already. */
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
