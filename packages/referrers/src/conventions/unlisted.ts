import { type Convention, projection } from "../convention.js";
import { NEVER_TARGETS } from "../convert/grid.js";
import { subjectEdge } from "../graph.js";
import { perView } from "../per-view.js";

/**
 * Referrers that lie in `blobs/` and that nothing leads to, as `cosign save` leaves the signatures that are bundles.
 * Finding one means reading every blob, so it is done where `kind` entries call for it, or on demand.
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
        message: `the referrer ${digest} is in blobs/ alone: a garbage collection would delete it`,
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

  /** There is no record that could be taken out. */
  async withdraw() {
    return projection();
  },
};
