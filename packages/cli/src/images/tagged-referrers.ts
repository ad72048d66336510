import type { Digest } from "@ocilot/layout";
import type { LayoutView, ReferrerGraph } from "@ocilot/referrers";

/** A referrer that somebody gave a tag. */
export interface TaggedReferrer {
  readonly tag: string;
  readonly digest: Digest;
  readonly artifactType?: string;
}

/** Tags that conventions write for referrers themselves: `sha256-….sig`. */
const DIGEST_TAG = /^[a-z0-9]+-[0-9a-f]{32,}(?:\.|$)/;

/** Returns the referrers that have a tag of their own, which `ls` does not list as images. */
export function taggedReferrers(view: LayoutView, graph: ReferrerGraph): TaggedReferrer[] {
  const types = new Map(graph.edges().map((e) => [e.referrer.digest, e.artifactType]));
  return view.entries.flatMap(({ tag, descriptor: { digest } }) => {
    if (tag === undefined || DIGEST_TAG.test(tag) || !types.has(digest)) return [];
    const artifactType = types.get(digest);
    return [{ tag, digest, ...(artifactType !== undefined && { artifactType }) }];
  });
}
