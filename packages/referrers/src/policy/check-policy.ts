import { type Digest, splitDigest } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../edge.js";
import { groupBy } from "../group-by.js";
import type { ToolId } from "../reader-tool.js";
import { findTool } from "../tools/registry.js";
import { type Finding, finding, finish } from "../verify/finding.js";
import { type Image, type Subject, imagesOf } from "../verify/images.js";
import type { Evidence } from "../verify/verify-layout.js";
import { type Policy, type Requirement, matchesGlob } from "./policy.js";

/** What a policy asks for and the layout lacks, one finding for each image, platform, link or digest. */
export async function checkPolicy(evidence: Evidence, policy: Policy, location: string): Promise<Finding[]> {
  const images = await imagesOf(evidence);
  const findings: Finding[] = [];
  if (images.length === 0 && policy.require.length > 0)
    findings.push(finding("REQUIREMENT_NOTHING", { message: "the policy requires referrers, and there is no image that could have any" }));
  for (const rule of policy.require) findings.push(...images.flatMap((image) => unmet(evidence, image, rule)));
  if (policy.noDangling) findings.push(...(await dangling(evidence)));
  if (policy.digestAlgorithms !== undefined) findings.push(...foreignDigests(evidence, policy.digestAlgorithms));
  for (const id of policy.tools) findings.push(...(await notFound(evidence, id)));
  return finish(findings, location, false);
}

function unmet({ graph }: Evidence, image: Image, rule: Requirement): Finding[] {
  const wanted: Subject[] = rule.scope === "platform" ? [] : [image];
  if (rule.scope !== "image") wanted.push(...image.platforms.filter((p) => !wanted.some((w) => w.digest === p.digest)));
  return wanted.flatMap((subject) => {
    const there = graph.of(subject.digest).filter((e) => e.verified);
    const right = there.filter((e) => isMet(e, rule));
    if (right.length >= rule.min) return [];
    const what = `${rule.min > 1 ? `${rule.min} referrers` : "a referrer"} of type ${ruleText(rule)}`;
    const types = [...new Set(there.map((e) => e.artifactType ?? "none"))].join(", ");
    const has = there.length === 0 ? "it has no referrer" : `its referrers are of type ${types}`;
    const message = `${subject.digest}${subject.platform === undefined ? "" : ` (${subject.platform})`} lacks ${what}; ${has}`;
    return [finding("REQUIREMENT_REFERRER", { steps: subject.steps, digest: subject.digest, message })];
  });
}

function isMet(edge: ReferrerEdge, { artifactType, annotations }: Requirement): boolean {
  return (
    matchesGlob(edge.artifactType ?? "", artifactType) &&
    Object.entries(annotations).every(([key, value]) => Object.hasOwn(edge.annotations, key) && edge.annotations[key] === value)
  );
}

function ruleText({ artifactType, annotations }: Requirement): string {
  const notes = Object.entries(annotations).map(([key, value]) => `${key}=${value}`);
  return notes.length === 0 ? artifactType : `${artifactType} with ${notes.join(" and ")}`;
}

async function dangling({ inventory, view }: Evidence): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const e of inventory.edges) {
    if (await view.has(e.subject)) continue;
    const message = `the subject ${e.subject} of ${e.referrer.digest} is not in the layout`;
    findings.push(finding("REQUIREMENT_DANGLING", { steps: inventory.paths.get(e.referrer.digest), digest: e.subject, message }));
  }
  return findings;
}

function foreignDigests({ inventory }: Evidence, allowed: readonly string[]): Finding[] {
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

/** What a program that knows only some kinds of referrer is expected to find; the others are expected to find all. */
const EXPECTED: Partial<Record<ToolId, (e: ReferrerEdge) => boolean>> = {
  notation: (e) => e.artifactType === "application/vnd.cncf.notary.signature",
  cosign: (e) =>
    e.artifactType?.startsWith("application/vnd.dev.sigstore.bundle") === true ||
    e.evidence.some((v) => v.convention.startsWith("cosign-")),
};

async function notFound({ inventory, view }: Evidence, id: ToolId): Promise<Finding[]> {
  const tool = findTool(id)!;
  const blocked = (await tool.traps(view)).find((t) => t.severity === "blocks");
  if (blocked !== undefined) return [finding("REQUIREMENT_TOOL", { message: `${id} cannot use the layout: ${blocked.message}`, fix: "" })];
  const isExpected = EXPECTED[id] ?? ((e: ReferrerEdge) => e.link === "S");
  const findings: Finding[] = [];
  for (const [subject, edges] of groupBy(inventory.edges, (e) => e.subject)) {
    // Nobody can ask for the referrers of what is not there.
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
