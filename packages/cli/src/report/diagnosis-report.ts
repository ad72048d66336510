import { type Diagnosis, TRAPS, type ToolHealth } from "@ocilot/referrers";
import { type Check, type Issue, type Report, type Rule, fileOf } from "./report.js";

/** Returns a diagnosis of a layout as a report: one issue for each place of a problem, one check for each tool. */
export function diagnosisReport({ tools, traps }: Diagnosis, about: Pick<Report, "target" | "kind" | "version">): Report {
  const rules = Object.entries(TRAPS).map(([id, { effect, fix }]): Rule => ({
    id,
    severity: traps.find((t) => t.code === id)?.severity ?? "warning",
    meaning: effect,
    fix,
    page: "doctor",
  }));
  const issues = traps.flatMap(({ code, severity, effect, fix, programs, places }) =>
    places.map(({ message, position, digest, tag }): Issue => ({
      rule: code,
      severity,
      message: `${message}. ${effect} Concerns: ${programs.join(", ")}.`,
      file: position === undefined ? fileOf(digest) : "index.json",
      ...(position !== undefined && { path: tag ?? `index.json entry ${position}` }),
      ...(digest !== undefined && { digest }),
      fix,
    })),
  );
  return { command: "doctor", ...about, rules, issues, checks: tools.map(checkOf) };
}

function checkOf({ title, judged, healthy, blocked, found, total }: ToolHealth): Check {
  const name = `${title} finds every referrer`;
  const message = blocked.length > 0 ? `cannot use the layout: ${blocked.join("; ")}` : `${found} of ${total} referrers are visible`;
  if (healthy) return { name, outcome: "passed" };
  return { name, outcome: judged ? "failed" : "skipped", message: judged ? message : `not judged for this tool: ${message}` };
}
