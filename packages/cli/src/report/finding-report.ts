import { FINDINGS, type Finding, type FindingCode } from "@ocilot/referrers";
import { type Issue, type Report, type Rule, fileOf } from "./report.js";

/** Findings about the entries of `index.json` although they name a digest. */
const IN_INDEX: ReadonlySet<FindingCode> = new Set([
  "RECORD_STALE",
  "RECORD_CONFLICT",
  "TAG_DUPLICATE",
  "INDEX_QUIRK",
  "SUBJECT_NOT_LISTED",
  "RECEIPT_CHANGED",
]);

/** What was asked for beside the content itself. */
export interface AskedFor {
  /** Rules were given with `--require` or `--policy`. */
  readonly requirements: boolean;
  /** A receipt was given with `--against`. */
  readonly receipt: boolean;
}

/** Returns the findings of `verify` as a report. Rules that were not asked for are not in it. */
export function findingReport(findings: readonly Finding[], asked: AskedFor, about: Pick<Report, "target" | "kind" | "version">): Report {
  const rules = Object.entries(FINDINGS)
    .filter(([code]) => (asked.requirements || !code.startsWith("REQUIREMENT_")) && (asked.receipt || !code.startsWith("RECEIPT_")))
    .map(([id, row]): Rule => ({ id, ...row, page: "findings" }));
  return { command: "verify", ...about, rules, issues: findings.map(issueOf), checks: [] };
}

function issueOf({ code, severity, message, path, steps, digest, fix }: Finding): Issue {
  const named = steps.find((s) => s.kind === "file")?.file;
  const isVersion = code === "LAYOUT_VERSION";
  return {
    rule: code,
    severity,
    message,
    file: named ?? (isVersion ? "oci-layout" : IN_INDEX.has(code) ? "index.json" : fileOf(digest)),
    ...(path !== "" && { path }),
    ...(digest !== undefined && { digest }),
    ...(fix !== undefined && { fix }),
  };
}
