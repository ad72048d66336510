import { isUnlisted } from "../graph/edge.js";
import { type Layout, type LayoutWarning, isOcilotError } from "@ocilot/layout";
import type { Inventory } from "./blob-uses.js";
import { dockerFindings } from "./docker-findings.js";
import { type LayoutFile, fileFindings } from "./file-findings.js";
import { type Finding, finding } from "./finding.js";
import { indexFindings } from "./index-findings.js";
import { recordFindings } from "./record-findings.js";
import { statementFindings } from "./statement-findings.js";
import { unreferencedFindings } from "./unreferenced-findings.js";
import { useFindings } from "./use-findings.js";
import type { VerifyEvidence, VerifyOptions } from "./evidence.js";

/** Returns everything that is to be reported of a layout. */
export async function judge(
  layout: Layout,
  evidence: VerifyEvidence,
  files: readonly LayoutFile[],
  options: VerifyOptions,
): Promise<Finding[]> {
  const { snapshot, inventory, contents } = evidence;
  const described = noteElsewhere(raiseOmissions(await useFindings(layout, inventory, contents), inventory, options), options);
  const findings = [
    ...layout.warnings.map(formFinding),
    ...described,
    ...unlistedFindings(inventory),
    ...statementFindings(inventory, evidence.statements),
  ];
  if (options.references !== undefined) return findings;
  return [
    ...findings,
    ...indexFindings(snapshot),
    ...(await recordsOf(evidence, described)),
    ...(await unreferencedFindings(layout, evidence, described)),
    ...(await dockerFindings(layout)),
    ...fileFindings(files),
  ];
}

function formFinding({ code, message, hint }: LayoutWarning): Finding {
  return finding(code === "VERSION_UNKNOWN" ? "LAYOUT_VERSION" : "LAYOUT_FORM", {
    steps: [{ kind: "file", file: code === "DOCKER_ARCHIVE" ? "manifest.json" : "oci-layout" }],
    message,
    ...(hint !== undefined && { fix: hint }),
  });
}

/** Platforms that are missing by design are errors where all are required. */
function raiseOmissions(
  findings: readonly Finding[],
  { omitted }: Inventory,
  { strict = false, requireComplete = false }: VerifyOptions,
): Finding[] {
  return findings.map((f) => {
    if (f.code !== "SPARSE_PLATFORM" || f.digest === undefined) return f;
    const isError = requireComplete || (strict && omitted.get(f.digest) === "absent");
    return isError ? { ...f, severity: "error", fix: "ocilot copy SOURCE LAYOUT" } : f;
  });
}

/** What is known to be elsewhere is no error here. */
function noteElsewhere(findings: readonly Finding[], { elsewhere }: VerifyOptions): Finding[] {
  return findings.map((f) => {
    if (f.code !== "BLOB_MISSING" || f.digest === undefined || elsewhere?.has(f.digest) !== true) return f;
    const { fix: _, ...rest } = f;
    return { ...rest, severity: "info" };
  });
}

/** A blob that cannot be looked up stops the comparison of records; it has a finding of its own. */
async function recordsOf({ view, graph, inventory }: VerifyEvidence, described: readonly Finding[]): Promise<Finding[]> {
  try {
    return await recordFindings(view, graph, inventory.paths);
  } catch (error) {
    if (!isOcilotError(error) || error.code === "ABORTED") throw error;
    const isKnown = described.some((f) => f.code === "UNREADABLE" || f.code === "ACCESS_DENIED");
    return isKnown ? [] : [finding("UNREADABLE", { message: error.message })];
  }
}

/** Returns the referrers of referenced manifests that no record lists: only a scan of all blobs finds them. */
export function unlistedFindings({ edges, paths }: Inventory): Finding[] {
  const hidden = edges.filter((e) => paths.has(e.subject) && isUnlisted(e));
  return hidden.map((e) =>
    finding("REFERRER_UNLISTED", {
      steps: paths.get(e.referrer.digest),
      digest: e.referrer.digest,
      message: `the referrer ${e.referrer.digest} of ${e.subject} is in blobs/, but no record lists it`,
    }),
  );
}
