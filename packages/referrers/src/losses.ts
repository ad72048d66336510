import type { Loss } from "./convention.js";
import type { ConventionId, ReferrerEdge } from "./edge.js";

const WHY: Readonly<Record<Loss["reason"], string>> = {
  "no-subject": "has no subject field",
  unverified: "is not in the layout, so that nothing proves the link",
  "legacy-type": "is of a manifest type that current tools do not read as a referrer",
};

/** The report of an edge that `target` cannot hold. */
export function lossOf(edge: ReferrerEdge, reason: Loss["reason"], target: ConventionId): Loss {
  const { digest } = edge.referrer;
  return {
    subject: edge.subject,
    referrer: digest,
    reason,
    message: `${digest} of ${edge.subject} ${WHY[reason]}: ${target} cannot record it`,
  };
}
