import type { Loss } from "./convention.js";
import { EdgeSet } from "./edge-set.js";
import type { ReferrerEdge } from "./edge.js";

/** Why a link cannot be recorded, said of its referrer. */
export const LOSS_REASONS: Readonly<Record<Loss["reason"], string>> = {
  "no-subject": "has no subject field",
  unverified: "is not in the layout, so that nothing proves the link",
  "legacy-type": "is of a manifest type that current tools do not read as a referrer",
  "no-form": "is nothing that this convention has a place for",
  "not-root": "refers to something other than the image that this convention is about",
  taken: "would need a place that another referrer of this subject has",
};

/** The report of an edge that a target cannot hold. */
export function lossOf(edge: ReferrerEdge, reason: Loss["reason"]): Loss {
  const { digest } = edge.referrer;
  return {
    subject: edge.subject,
    referrer: digest,
    reason,
    message: `${digest} of ${edge.subject} ${LOSS_REASONS[reason]}`,
  };
}

/** The links that are lost. */
export function lostLinks(losses: readonly Loss[]): EdgeSet {
  return new EdgeSet(losses.map(({ subject, referrer }) => ({ subject, referrer: { digest: referrer } })));
}
