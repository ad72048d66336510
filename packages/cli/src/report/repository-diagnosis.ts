import type { RegistryProblem, RepositoryDiagnosis } from "@ocilot/registry";
import type { DiagnosisModel } from "@ocilot/server";
import { MEANINGS } from "./repository-report.js";

/** Places of one problem beyond this number are not shown. */
const MAX_PLACES = 20;

/** Returns a diagnosis of a repository as the page shows one: kinds of clients in the place of tools, problems by their code. */
export function repositoryDiagnosisModel(diagnosis: RepositoryDiagnosis): DiagnosisModel {
  const { healthy, referrers, clients, problems } = diagnosis;
  const byCode = new Map<RegistryProblem["code"], RegistryProblem[]>();
  for (const problem of problems) byCode.set(problem.code, [...(byCode.get(problem.code) ?? []), problem]);
  return {
    healthy,
    registry: supportText(diagnosis),
    referrers,
    conventions: [],
    tools: clients.map(({ id, title, found, total }) => {
      return { id, title, judged: id === "referrers", found, total, healthy: found === total, blocked: [] };
    }),
    problems: [...byCode].map(([code, found]) => ({
      code,
      severity: healthy ? ("warning" as const) : ("error" as const),
      programs: [],
      effect: MEANINGS[code],
      fix: found[0]!.fix,
      places: [
        ...found.slice(0, MAX_PLACES).map((p) => p.message),
        ...(found.length > MAX_PLACES ? [`and ${found.length - MAX_PLACES} more`] : []),
      ],
    })),
  };
}

function supportText({ referrersApi, apiReason }: RepositoryDiagnosis): string {
  if (referrersApi === undefined) return "Whether the registry has the Referrers API is not known: there was no manifest to ask about.";
  if (referrersApi) return "The registry has the Referrers API.";
  return `The registry has no Referrers API${apiReason === undefined ? "" : ` (${apiReason})`}; clients read the list under the referrers tag.`;
}
