import { type Convention, projection } from "../convention.js";
import { NEVER_TARGETS } from "../convert/grid.js";
import { nestedReferrers } from "../nested.js";
import { perView } from "../per-view.js";

/** Manifests with a subject, or BuildKit's reference annotations, inside an image index. Writing it changes digests. */
export const buildkit: Convention = {
  id: "buildkit",
  title: "a child of the image index beside the platform that it describes (BuildKit)",
  traits: { shape: "other", nEdges: true, target: false },

  detect: perView(async (view) => {
    const { edges, problems } = await nestedReferrers(view);
    const positions = new Map(edges.flatMap((e) => e.evidence.map((v) => [v.position!, v.within!] as const)));
    return {
      entries: [...positions].map(([position, within]) => ({ position, reason: `referrers inside the index ${within}` })),
      flags: [],
      problems,
    };
  }),

  async read(view) {
    return (await nestedReferrers(view)).edges;
  },

  async project() {
    return projection({ refusals: [NEVER_TARGETS.buildkit!] });
  },

  /** What is inside an index stays there: the index is signed. */
  async withdraw() {
    return projection();
  },
};
