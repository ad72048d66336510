import { type Descriptor, type Digest, EMPTY_JSON } from "@ocilot/layout/spec";
import { CONVENTIONS } from "./conventions/registry.js";
import { damageOf } from "./damage.js";
import { DescriptorMap } from "./descriptor-map.js";
import type { Problem, ReferrerEdge } from "./edge.js";
import type { ReferrerGraph } from "./graph.js";
import { groupBy } from "./group-by.js";
import { findLists } from "./lists.js";
import { type LayoutView, type ManifestNode, manifestOf } from "./view.js";

/** All that is odd about the links of a layout: what the conventions say, what manifests say, what contradicts itself; by entry. */
export async function findProblems(view: LayoutView, graph: ReferrerGraph): Promise<Problem[]> {
  const problems: Problem[] = [...entryProblems(view), ...(await manifestProblems(view)), ...(await findLists(view)).problems];
  for (const convention of CONVENTIONS) problems.push(...(await convention.detect(view)).problems);
  problems.push(...(await edgeProblems(view, graph)));
  const known = new Set<string>();
  const distinct = problems.filter((p) => {
    const key = `${p.code} ${p.position} ${p.digest}`;
    return !known.has(key) && known.add(key);
  });
  return distinct.toSorted((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity) || 0);
}

/** Entries with the member that an early proposal gave them; `data`, its other one, has a meaning on descriptors today. */
function entryProblems(view: LayoutView): Problem[] {
  return view.entries
    .filter(({ descriptor }) => Object.hasOwn(descriptor, "reference"))
    .map(({ position, descriptor }) => ({
      code: "LEGACY_MEMBER",
      message: `index.json entry ${position} (${descriptor.digest}) has the member "reference", which no tool follows; it is kept`,
      position,
      digest: descriptor.digest,
    }));
}

async function manifestProblems(view: LayoutView): Promise<Problem[]> {
  const problems: Problem[] = [];
  const unlisted = (await view.unlisted()).map((node) => ({ node, position: undefined }));
  for (const { node, position } of [...(await view.reach()), ...unlisted]) {
    const about = { ...(position !== undefined && { position }), digest: node.descriptor.digest };
    if (node.state === "damaged") problems.push({ code: "UNREADABLE", message: damageOf(node), ...about });
    if (node.state !== "read") continue;
    for (const name of node.manifest.ignored) {
      const isSubject = name === "subject";
      problems.push({
        code: isSubject ? "SUBJECT_IGNORED" : "LEGACY_MEMBER",
        message: isSubject
          ? `the Docker manifest ${about.digest} has a subject: it has no meaning there, and makes no link`
          : `the manifest ${about.digest} has the member ${JSON.stringify(name)}, which no tool follows; it is kept`,
        ...about,
      });
    }
  }
  return problems;
}

async function edgeProblems(view: LayoutView, graph: ReferrerGraph): Promise<Problem[]> {
  const edges = graph.edges();
  const problems = edges.filter((e) => e.verified && e.link === "S" && e.artifactType === EMPTY_JSON).map(emptyType);
  for (const [digest, group] of repeated(edges)) {
    const subjects = group.map((e) => e.subject).join(" and of ");
    problems.push({
      code: "SUBJECT_CONFLICT",
      message: `${digest} is said to be a referrer of ${subjects}; no subject field tells which, so all of them stand`,
      ...whereOf(group[1]!),
    });
  }
  return [...problems, ...(await mismatches(view, edges))];
}

/** The referrers that have more than one subject. */
function repeated(edges: readonly ReferrerEdge[]): Map<Digest, ReferrerEdge[]> {
  const first = new Map<Digest, ReferrerEdge>();
  const groups = new Map<Digest, ReferrerEdge[]>();
  for (const edge of edges) {
    const { digest } = edge.referrer;
    const before = first.get(digest);
    if (before === undefined) first.set(digest, edge);
    else groups.set(digest, [...(groups.get(digest) ?? [before]), edge]);
  }
  return groups;
}

/** A referrer that describes its subject otherwise than the layout does: oras loses the link or cannot open the layout. */
async function mismatches(view: LayoutView, edges: readonly ReferrerEdge[]): Promise<Problem[]> {
  const said = new DescriptorMap<true>();
  for (const { subjectDescriptor: d } of edges) if (d !== undefined) said.set(d, true);
  const subjects = said.keys();
  const wanted = new Set(subjects.map((d) => d.digest));
  const listed = [...view.entries.map((e) => e.descriptor), ...(await view.reach()).flatMap((r) => manifestOf(r.node)?.manifests ?? [])];
  const known = groupBy(
    listed.filter((d) => wanted.has(d.digest)),
    (d) => d.digest,
  );
  const nodes = await view.nodes(subjects);
  const wrong = new DescriptorMap<string>();
  for (const [i, d] of subjects.entries()) {
    const why = mismatch(d, nodes[i]!, known.get(d.digest) ?? []);
    if (why !== undefined) wrong.set(d, why);
  }
  return edges.flatMap((edge): Problem[] => {
    const d = edge.subjectDescriptor;
    const why = d === undefined ? undefined : wrong.get(d);
    if (why === undefined) return [];
    return [
      {
        code: "SUBJECT_MISMATCH",
        message: `${edge.referrer.digest} does not describe its subject ${d!.digest} as it is: ${why}; oras loses the link or the layout`,
        ...whereOf(edge),
      },
    ];
  });
}

function mismatch(said: Descriptor, node: ManifestNode, others: readonly Descriptor[]): string | undefined {
  if (node.state !== "damaged" && (others.length === 0 || others.some((d) => d.mediaType === said.mediaType && d.size === said.size)))
    return undefined;
  const actual = others.find((d) => d.mediaType !== said.mediaType || d.size !== said.size);
  return actual === undefined && node.state === "damaged"
    ? damageOf(node)
    : `it says ${said.mediaType} of ${said.size} bytes, the layout ${actual?.mediaType} of ${actual?.size}`;
}

function emptyType(edge: ReferrerEdge): Problem {
  const message = `${edge.referrer.digest} has no artifact type but that of its empty config, which tells nothing`;
  return { code: "EMPTY_ARTIFACT_TYPE", message, ...whereOf(edge) };
}

function whereOf(edge: ReferrerEdge): Pick<Problem, "position" | "digest"> {
  const position = edge.evidence.find((e) => e.position !== undefined)?.position;
  return { ...(position !== undefined && { position }), digest: edge.referrer.digest };
}
