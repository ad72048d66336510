import type { Convention } from "./convention.js";
import { projection } from "../records/projection.js";
import { NEVER_TARGETS } from "./support-matrix.js";
import { subjectEdge } from "../graph/referrer-graph.js";
import { perView } from "../view/per-view.js";

/**
 * Referrers that are only in `blobs/` and not reachable from `index.json`: `cosign save` leaves signature bundles like this.
 * Every blob is read to find them, so only if the layout has `kind` entries, or on request.
 */
export const unlisted: Convention = {
  id: "unlisted",
  title: "only in blobs/, with a subject field and no entry (cosign save of bundles)",
  traits: { shape: "other", nEdges: false, target: false },

  detect: perView(async (view) => {
    const nodes = await view.unlisted();
    return {
      entries: [],
      flags: [],
      problems: nodes.map(({ descriptor: { digest } }) => ({
        code: "UNLISTED",
        message: `the referrer ${digest} is only in blobs/, not in index.json: a garbage collection of another tool would delete it`,
        digest,
      })),
    };
  }),

  async read(view) {
    return (await view.unlisted()).flatMap((node) => subjectEdge(node, { convention: "unlisted" }) ?? []);
  },

  async project() {
    return projection({ refusals: [NEVER_TARGETS.unlisted!] });
  },

  /** It has no records that could be removed. */
  async withdraw() {
    return projection();
  },
};
