import type { Convention } from "./convention.js";
import { projection } from "../records/projection.js";
import { NEVER_TARGETS } from "./support-matrix.js";
import { indexChildReferrers } from "../records/index-children.js";
import { perView } from "../view/per-view.js";

/** Manifests with a subject, or BuildKit's reference annotations, inside an image index. Writing it changes digests. */
export const buildkit: Convention = {
  id: "buildkit",
  title: "a child of the image index beside the platform that it describes (BuildKit)",
  traits: { shape: "other", nEdges: true, target: false },

  detect: perView(async (view) => {
    const { edges, problems } = await indexChildReferrers(view);
    const positions = new Map(edges.flatMap((e) => e.evidence.map((v) => [v.position!, v.within!] as const)));
    return {
      entries: [...positions].map(([position, within]) => ({ position, reason: `referrers inside the index ${within}` })),
      flags: [],
      problems,
    };
  }),

  async read(view) {
    return (await indexChildReferrers(view)).edges;
  },

  async project() {
    return projection({ refusals: [NEVER_TARGETS.buildkit!] });
  },

  /** Nothing is removed from an image index: its digest may be signed. */
  async withdraw() {
    return projection();
  },
};
