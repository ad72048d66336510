import type { Digest } from "@ocilot/layout/spec";
import { partsOf } from "../conventions/registry.js";
import type { IndexChange } from "../records/projection.js";
import type { Problem } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { maintainedConventions } from "../conventions/maintained-conventions.js";
import { findProblems } from "./problems.js";
import type { LayoutView } from "../view/layout-view.js";
import type { FindingCode } from "./finding-codes.js";
import { type Finding, finding } from "./finding.js";
import { type PathStep, entryStep } from "./reference-path.js";

/** Returns where records of the conventions in use differ from what the manifests say, and where they contradict each other. */
export async function recordFindings(
  view: LayoutView,
  graph: ReferrerGraph,
  paths: ReadonlyMap<Digest, readonly PathStep[]>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const convention of await maintainedConventions(view)) {
    if (partsOf(convention).length > 1) continue;
    const { changes, refusals } = await convention.project(graph, view);
    for (const change of changes) {
      const said = changeFinding(convention.id, change, view, paths);
      // Two list conventions that share an entry would both point it to the new list.
      const key = change.op === "retarget" ? `${change.position}` : said.message;
      if (!told.has(key)) findings.push(said);
      told.add(key);
    }
    for (const message of refusals) findings.push(finding("RECORD_CONFLICT", { message: `${convention.id}: ${message}` }));
  }
  const stale = new Set(findings.filter((f) => f.code === "RECORD_STALE").map((f) => f.position));
  for (const problem of await findProblems(view, graph)) {
    const code = PROBLEM_CODES[problem.code];
    if (code === undefined || (code === "RECORD_STALE" && stale.has(problem.position))) continue;
    const steps = problem.position === undefined ? [] : stepsTo(view, problem.position);
    findings.push(finding(code, { ...problem, steps }));
  }
  return findings;
}

/** Problems that are not listed here have a finding of their own: missing, corrupt, unlisted or wrongly described blobs. */
const PROBLEM_CODES: Partial<Record<Problem["code"], FindingCode>> = {
  STALE_LINE: "RECORD_STALE",
  FOREIGN_LINE: "RECORD_STALE",
  AMBIGUOUS_LIST: "RECORD_CONFLICT",
  DUPLICATE_LIST: "RECORD_CONFLICT",
  TAG_COLLISION: "RECORD_CONFLICT",
  SUBJECT_CONFLICT: "RECORD_CONFLICT",
  INVALID_SUBJECT: "RECORD_CONFLICT",
  SUBJECT_IGNORED: "LINK_NOTE",
  UNKNOWN_DIGEST_TAG: "LINK_NOTE",
  UNKNOWN_REFERENCE_TYPE: "LINK_NOTE",
  EMPTY_ARTIFACT_TYPE: "LINK_NOTE",
  AMBIGUOUS_PARENT: "LINK_NOTE",
  LEGACY_MEMBER: "LINK_NOTE",
  MANIFEST_LARGE: "MANIFEST_LARGE",
};

function changeFinding(id: string, change: IndexChange, view: LayoutView, paths: ReadonlyMap<Digest, readonly PathStep[]>): Finding {
  if (change.op === "add") {
    const { rank, subject, digest } = change.key;
    if (rank === "subject") {
      const message = `${subject} has referrers and no entry of its own in index.json: oras does not resolve it by digest`;
      return finding("SUBJECT_NOT_LISTED", { steps: paths.get(subject), digest: subject, message });
    }
    const message =
      rank === "list" ? `${id}: the list of the referrers of ${subject} is missing` : `${id}: ${digest} of ${subject} has no entry`;
    return finding("RECORD_STALE", {
      steps: paths.get(rank === "list" ? subject : digest) ?? paths.get(subject),
      digest: rank === "list" ? subject : digest,
      message,
    });
  }
  if (change.op === "annotate-index") {
    return finding("RECORD_STALE", { message: `${id}: index.json lacks the annotation ${Object.keys(change.set ?? {}).join(", ")}` });
  }
  const { descriptor } = view.entries[change.position]!;
  const at = `index.json entry ${change.position}`;
  const about = { steps: stepsTo(view, change.position), digest: descriptor.digest, position: change.position };
  if (change.op === "retarget")
    return finding("RECORD_STALE", { ...about, message: `${id}: the list at ${at} differs from what the referrers say` });
  const keys = "set" in change ? Object.keys(change.set ?? {}) : [];
  return finding("RECORD_STALE", { ...about, message: `${id}: ${at} lacks the annotation ${keys.join(", ")}` });
}

function stepsTo(view: LayoutView, position: number): readonly PathStep[] {
  const entry = view.entries[position];
  return entry === undefined ? [] : [entryStep(entry)];
}
