import type { RepositoryDiagnosis, RegistryProblem } from "@ocilot/registry";
import { type Check, type Report, type Rule, fileOf } from "./report.js";

/** What each problem is. */
export const MEANINGS: Readonly<Record<RegistryProblem["code"], string>> = {
  ONLY_IN_LIST: "A referrer is only in the list under the referrers tag; the Referrers API does not list it.",
  NOT_STORED: "A referrer is listed, but cannot be read from the registry.",
  INEXACT_LINE: "The list describes a referrer otherwise than its manifest does, so filters miss it.",
  OTHER_SUBJECT: "A manifest is listed as a referrer of a subject that it does not name.",
};

/** Returns a diagnosis of a repository as a report: one issue for each problem, one check for each kind of client. */
export function repositoryReport(
  { clients, problems, healthy }: RepositoryDiagnosis,
  about: Pick<Report, "target" | "kind" | "version">,
): Report {
  const severity = healthy ? "warning" : "error";
  const rules = Object.entries(MEANINGS).map(([id, meaning]): Rule => ({ id, severity, meaning, fix: "", page: "registries" }));
  const issues = problems.map(({ code, subject, referrer, message, fix }) => {
    return { rule: code, severity, message, file: fileOf(referrer), path: `${subject} → ${referrer}`, digest: referrer, fix } as const;
  });
  return { command: "doctor", ...about, rules, issues, checks: clients.map(checkOf) };
}

/** Clients of the current specification are judged; what older ones find is shown. */
function checkOf({ id, title, found, total }: RepositoryDiagnosis["clients"][number]): Check {
  const name = `${title}: every referrer is found`;
  if (found === total) return { name, outcome: "passed" };
  return { name, outcome: id === "referrers" ? "failed" : "skipped", message: `${found} of ${total} referrers are visible` };
}
