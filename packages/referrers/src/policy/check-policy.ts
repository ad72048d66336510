import { type Digest, splitDigest } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import type { ToolId } from "../tools/reader-tool.js";
import { findTool } from "../tools/registry.js";
import { type Finding, finding, finish } from "../verify/finding.js";
import { imagesOf } from "../verify/images.js";
import type { VerifyEvidence } from "../verify/evidence.js";
import type { Policy } from "./policy.js";
import { unmetRequirement } from "./unmet-requirement.js";

/**
 * Returns what a policy requires and the layout lacks, one finding for each image, platform, link or digest.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { checkPolicy, parseRequire, verifyLayout } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { evidence } = await verifyLayout(layout);
 * if (evidence === undefined) throw new Error("index.json cannot be read");
 * for (const { code, message } of await checkPolicy(evidence, parseRequire("sbom;scope=any"), layout.location)) console.log(code, message);
 * ```
 */
export async function checkPolicy(evidence: VerifyEvidence, policy: Policy, location: string): Promise<Finding[]> {
  const images = await imagesOf(evidence);
  const findings: Finding[] = [];
  if (images.length === 0 && policy.require.length > 0)
    findings.push(finding("REQUIREMENT_NOTHING", { message: "the policy requires referrers of images, but the layout has no image" }));
  for (const rule of policy.require) findings.push(...images.flatMap((image) => unmetRequirement(evidence, image, rule)));
  if (policy.noDangling) findings.push(...(await dangling(evidence)));
  if (policy.digestAlgorithms !== undefined) findings.push(...foreignDigests(evidence, policy.digestAlgorithms));
  for (const id of policy.tools) findings.push(...(await notFound(evidence, id)));
  return finish(findings, location, false);
}

async function dangling({ inventory, view }: VerifyEvidence): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const e of inventory.edges) {
    if (await view.has(e.subject)) continue;
    const message = `the subject ${e.subject} of ${e.referrer.digest} is not in the layout`;
    findings.push(finding("REQUIREMENT_DANGLING", { steps: inventory.paths.get(e.referrer.digest), digest: e.subject, message }));
  }
  return findings;
}

function foreignDigests({ inventory }: VerifyEvidence, allowed: readonly string[]): Finding[] {
  const seen = new Set<Digest>();
  return inventory.uses.flatMap(({ descriptor: { digest }, steps }) => {
    const { algorithm } = splitDigest(digest);
    if (allowed.includes(algorithm) || seen.has(digest)) return [];
    seen.add(digest);
    return [
      finding("REQUIREMENT_ALGORITHM", {
        steps,
        digest,
        message: `${digest} is a ${algorithm} digest; allowed: ${allowed.join(", ") || "none"}`,
      }),
    ];
  });
}

/** The referrers that programs for certain kinds are expected to find; the others are expected to find all. */
const EXPECTED: Partial<Record<ToolId, (e: ReferrerEdge) => boolean>> = {
  notation: (e) => e.artifactType === "application/vnd.cncf.notary.signature",
  cosign: (e) =>
    e.artifactType?.startsWith("application/vnd.dev.sigstore.bundle") === true ||
    e.evidence.some((v) => v.convention.startsWith("cosign-")),
};

async function notFound({ inventory, view }: VerifyEvidence, id: ToolId): Promise<Finding[]> {
  const tool = findTool(id)!;
  const blocked = (await tool.traps(view)).find((t) => t.severity === "blocks");
  if (blocked !== undefined) return [finding("REQUIREMENT_TOOL", { message: `${id} cannot use the layout: ${blocked.message}`, fix: "" })];
  const isExpected = EXPECTED[id] ?? ((e: ReferrerEdge) => e.link === "S");
  const findings: Finding[] = [];
  for (const [subject, edges] of groupBy(inventory.edges, (e) => e.subject)) {
    // A missing subject cannot be looked up.
    if (!(await view.has(subject))) continue;
    const found = new Set(await tool.finds(view, subject));
    for (const e of edges) {
      if (!e.verified || !isExpected(e) || found.has(e.referrer.digest)) continue;
      const message = `${tool.title} would not find ${e.referrer.digest} of ${subject}`;
      findings.push(finding("REQUIREMENT_TOOL", { steps: inventory.paths.get(e.referrer.digest), digest: e.referrer.digest, message }));
    }
  }
  return findings;
}
