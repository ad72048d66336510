import { DOCKER_REFERENCE_DIGEST, DOCKER_REFERENCE_TYPE, isDigest } from "@ocilot/layout/spec";
import type { Problem, ReferrerEdge } from "../graph/edge.js";
import { recordedEdge, subjectEdge } from "../graph/referrer-graph.js";
import { findLists } from "./referrer-lists.js";
import { perView } from "../view/per-view.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

interface Nested {
  readonly edges: readonly ReferrerEdge[];
  readonly problems: readonly Problem[];
}

/** Referrers that are children of an image index: by their own `subject`, else by BuildKit's reference annotations. */
export const indexChildReferrers: (view: LayoutView) => Promise<Nested> = perView(collect);

async function collect(view: LayoutView): Promise<Nested> {
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.descriptor.digest));
  const edges: ReferrerEdge[] = [];
  const problems: Problem[] = [];
  for (const { node, position } of await view.reach()) {
    const manifest = manifestOf(node);
    if (manifest?.kind !== "index" && manifest?.kind !== "docker-list") continue;
    const within = node.descriptor.digest;
    if (lists.has(within)) continue;
    const children = await view.nodes(manifest.manifests);
    for (let i = 0; i < children.length; i++) {
      const child = children[i]!;
      const evidence = { convention: "buildkit" as const, position, within };
      const annotations = manifest.manifests[i]!.annotations;
      const type = annotations?.[DOCKER_REFERENCE_TYPE];
      const claimed = annotations?.[DOCKER_REFERENCE_DIGEST];
      const edge = subjectEdge(child, evidence);
      const describes = type === "attestation-manifest" && claimed !== undefined;
      if (describes && (!isDigest(claimed) || (edge !== undefined && edge.subject !== claimed))) {
        const { digest } = child.descriptor;
        const why = edge === undefined ? "which is not a digest" : `the subject of its manifest is ${edge.subject}; the manifest is right`;
        problems.push({
          code: isDigest(claimed) ? "SUBJECT_CONFLICT" : "INVALID_SUBJECT",
          message: `${within} says that its child ${digest} describes ${JSON.stringify(claimed)}, ${why}`,
          position,
          digest,
        });
      }
      if (edge !== undefined) edges.push(edge);
      // One that is absent went with its platform: lists hold what is present.
      else if (type === "attestation-manifest" && isDigest(claimed) && child.state !== "absent")
        edges.push(recordedEdge(claimed, child, evidence, child.state === "read" ? "N" : "S"));
      if (type !== undefined && type !== "attestation-manifest") {
        problems.push({
          code: "UNKNOWN_REFERENCE_TYPE",
          message: `${child.descriptor.digest} in ${within} has the reference type ${JSON.stringify(type)}, which is not an attestation`,
          position,
          digest: child.descriptor.digest,
        });
      }
    }
  }
  return { edges, problems };
}
