import type { RepositoryDiagnosis } from "@ocilot/registry";
import { printable } from "./printable.js";
import { renderTable } from "./table.js";
import { count } from "./text.js";

/** Returns what a registry supports, what each kind of client finds, and the problems with their fixes, for people. */
export function renderRepository({ referrersApi, apiReason, clients, problems, referrers, healthy }: RepositoryDiagnosis): string {
  const api =
    referrersApi === undefined ? "unknown: there is no manifest to ask about" : referrersApi ? "yes" : `no (${apiReason ?? "no answer"})`;
  const rows = clients.map((c) => [
    c.title,
    String(c.found),
    String(c.total),
    c.found === c.total ? "" : `${c.total - c.found} not visible`,
  ]);
  return [
    printable(`Referrers API: ${api}`),
    "",
    renderTable([["CLIENT", "VISIBLE", "TOTAL", ""], ...rows], [1, 2]),
    "",
    ...problems.flatMap((p) => [printable(`${p.code}: ${p.message}`), printable(`  fix: ${p.fix}`), ""]),
    `${healthy ? "Healthy" : "Not healthy"}: ${count(referrers, "referrer")}, ${count(problems.length, "problem")}.`,
  ].join("\n");
}
