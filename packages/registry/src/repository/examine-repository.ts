import { type Digest, type Layout, OcilotError } from "@ocilot/layout";
import { type ReferrerEdge, openView, readGraph, responseDescriptor, sameLine, countReferrers } from "@ocilot/referrers";
import type { ListedReferrer } from "./repository-model.js";
import { RepositoryIndex } from "./repository-index.js";
import type { RepositoryState } from "./read-repository.js";

/** How programs look for what refers to an image in a registry. */
export type RegistryClientKind = "referrers" | "referrers-tag-only" | "cosign-tags";

/** What programs of one kind find. */
export interface ClientFinds {
  readonly id: RegistryClientKind;
  readonly title: string;
  readonly found: number;
  /** What is of a form that they look for at all. */
  readonly total: number;
  readonly missing: readonly { readonly subject: Digest; readonly referrer: Digest }[];
}

/** Something that keeps programs from finding a referrer. */
export interface RegistryProblem {
  readonly code: "ONLY_IN_LIST" | "NOT_STORED" | "INEXACT_LINE" | "OTHER_SUBJECT";
  readonly subject: Digest;
  readonly referrer: Digest;
  readonly message: string;
  readonly fix: string;
}

/** What a registry supports, and who finds what in one of its repositories; plain data. */
export interface RepositoryDiagnosis {
  /** The repository, `docker://HOST/REPOSITORY`. */
  readonly layout: string;
  /** Whether the Referrers API works; undefined where there was no manifest to ask about. */
  readonly referrersApi: boolean | undefined;
  /** What came in its place, such as `404`. */
  readonly apiReason?: string;
  /** Clients of the current specification find every referrer. */
  readonly healthy: boolean;
  readonly referrers: number;
  readonly clients: readonly ClientFinds[];
  readonly problems: readonly RegistryProblem[];
}

/**
 * Tells what a registry supports, and which programs find the referrers of what is in focus. Sends
 * requests that read, and no others; so whether the registry deletes is not told.
 * @throws OcilotError `USAGE` for a layout that is no repository, and what reading throws
 * @example
 * ```ts
 * import { examineRepository, openRepository } from "@ocilot/registry";
 *
 * const layout = await openRepository("docker://localhost:5000/app");
 * const { problems, clients } = await examineRepository(layout);
 * console.log(problems, clients);
 * ```
 */
export async function examineRepository(layout: Layout, options: { readonly signal?: AbortSignal } = {}): Promise<RepositoryDiagnosis> {
  const { index } = layout;
  if (!(index instanceof RepositoryIndex)) throw new OcilotError("USAGE", `${layout.location} is not a repository of a registry`, {});
  const state = await index.state();
  const graph = await readGraph(await openView(layout, { snapshot: await index.read(), ...options }));
  const edges = graph.edges();
  const bySubject = edges.filter((e) => e.link === "S" && e.verified);
  const listed = (e: ReferrerEdge): ListedReferrer | undefined => state.referrers.get(e.subject)?.get(e.referrer.digest);
  const hasApi = state.hasApi === true;
  const clients = [
    clientFinds("referrers", "oras, notation, regctl, crane, cosign 3 (Referrers API, else the referrers tag)", bySubject, (e) =>
      hasApi ? listed(e)?.by === "referrers-api" : listed(e) !== undefined,
    ),
    clientFinds(
      "referrers-tag-only",
      "clients that know the referrers tag only",
      bySubject,
      (e) => state.lists.get(e.subject)?.has(e.referrer.digest) ?? false,
    ),
    clientFinds(
      "cosign-tags",
      "cosign 1 and 2 (tags sha256-….sig, .att, .sbom)",
      edges.filter((e) => e.evidence.some((v) => v.convention === "cosign-tags")),
      () => true,
    ),
  ];
  return {
    layout: layout.location,
    referrersApi: state.hasApi,
    ...(state.apiReason !== undefined && { apiReason: state.apiReason }),
    healthy: clients[0]!.found === clients[0]!.total && !edges.some((e) => !e.verified),
    referrers: countReferrers(edges),
    clients,
    problems: [...edges.flatMap((e) => problemsOf(e, listed(e), hasApi, layout.location)), ...strayLines(state, edges, layout.location)],
  };
}

function clientFinds(
  id: RegistryClientKind,
  title: string,
  edges: readonly ReferrerEdge[],
  finds: (edge: ReferrerEdge) => boolean,
): ClientFinds {
  const missing = edges.filter((e) => !finds(e)).map((e) => ({ subject: e.subject, referrer: e.referrer.digest }));
  return { id, title, found: edges.length - missing.length, total: edges.length, missing };
}

function problemsOf(edge: ReferrerEdge, listed: ListedReferrer | undefined, hasApi: boolean, location: string): RegistryProblem[] {
  const about = { subject: edge.subject, referrer: edge.referrer.digest };
  const again = `push it again: ocilot copy LAYOUT@${edge.subject} ${location}`;
  if (!edge.verified)
    return [
      {
        code: "NOT_STORED",
        ...about,
        message: `${edge.referrer.digest} is listed as a referrer and cannot be read from the registry`,
        fix: again,
      },
    ];
  if (listed === undefined) return [];
  const problems: RegistryProblem[] = [];
  if (hasApi && listed.by === "referrers-tag")
    problems.push({
      code: "ONLY_IN_LIST",
      ...about,
      message: `${edge.referrer.digest} is only in the list under the referrers tag; the Referrers API does not list it`,
      fix: again,
    });
  if (listed.by === "referrers-tag" && !sameLine(listed.descriptor, responseDescriptor(edge)))
    problems.push({
      code: "INEXACT_LINE",
      ...about,
      message: `the list describes ${edge.referrer.digest} otherwise than its manifest (type, size or annotations), so filters miss it`,
      fix: `attach it again: ocilot attach ${location}@${edge.subject} --manifest FILE`,
    });
  return problems;
}

/** Lines that name a manifest with another subject, or with none. */
function strayLines({ referrers }: RepositoryState, edges: readonly ReferrerEdge[], location: string): RegistryProblem[] {
  const known = new Set(edges.map((e) => `${e.subject} ${e.referrer.digest}`));
  return [...referrers].flatMap(([subject, siblings]) =>
    [...siblings.keys()]
      .filter((digest) => !known.has(`${subject} ${digest}`))
      .map((referrer) => ({
        code: "OTHER_SUBJECT" as const,
        subject,
        referrer,
        message: `${referrer} is listed as a referrer of ${subject}, which its manifest does not name`,
        fix: `remove it from the list with a client that wrote it, or delete ${location}@${referrer}`,
      })),
  );
}
