import type { UnrepresentableLink } from "./projection.js";
import { EdgeSet } from "../graph/edge-set.js";
import type { ReferrerEdge } from "../graph/edge.js";

/** Why a link cannot be recorded; each text follows the digest of the referrer. */
export const UNREPRESENTABLE_REASONS: Readonly<Record<UnrepresentableLink["reason"], string>> = {
  "no-subject": "has no subject field",
  unverified: "is missing from the layout, so the link cannot be verified",
  "legacy-type": "has a manifest type that current tools do not read as a referrer",
  "no-form": "cannot be recorded in this convention",
  "not-root": "does not refer to the image of the layout, and this convention records only its referrers",
  taken: "needs a name that another referrer of this subject already uses",
};

/** Returns the report of a link that a target cannot represent. */
export function unrepresentableLink(edge: ReferrerEdge, reason: UnrepresentableLink["reason"]): UnrepresentableLink {
  const { digest } = edge.referrer;
  return {
    subject: edge.subject,
    referrer: digest,
    reason,
    message: `${digest}, a referrer of ${edge.subject}, ${UNREPRESENTABLE_REASONS[reason]}`,
  };
}

/** Returns these links as a set. */
export function unrepresentableEdges(losses: readonly UnrepresentableLink[]): EdgeSet {
  return new EdgeSet(losses.map(({ subject, referrer }) => ({ subject, referrer: { digest: referrer } })));
}

/** The links that are in each of several lists of losses. */
export function commonLosses(losses: readonly (readonly UnrepresentableLink[])[]): readonly UnrepresentableLink[] {
  const [first = [], ...others] = losses;
  const sets = others.map(unrepresentableEdges);
  return first.filter(({ subject, referrer }) => sets.every((set) => set.has({ subject, referrer: { digest: referrer } })));
}
