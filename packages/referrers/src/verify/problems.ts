import { type Descriptor, type Digest, EMPTY_JSON, PORTABLE_MANIFEST_BYTES } from "@ocilot/layout/spec";
import { conventionsFor } from "../conventions/registry.js";
import { attachAgain, makeSmaller } from "./attach-again.js";
import { unreadableMessage } from "../view/unreadable.js";
import { DescriptorMap, DescriptorSet } from "../view/descriptor-map.js";
import type { Problem, ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { groupBy } from "../graph/group-by.js";
import { findLists } from "../records/referrer-lists.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";

/**
 * Returns everything unusual about the links of a layout, by entry.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { findProblems, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * for (const { code, message } of await findProblems(view, graph)) console.log(code, message);
 * ```
 */
export async function findProblems(view: LayoutView, graph: ReferrerGraph): Promise<Problem[]> {
  const problems: Problem[] = [...entryProblems(view), ...(await manifestProblems(view, graph)), ...(await findLists(view)).problems];
  for (const convention of conventionsFor(view.origin)) problems.push(...(await convention.detect(view)).problems);
  problems.push(...(await edgeProblems(view, graph)));
  const known = new Set<string>();
  const distinct = problems.filter((p) => {
    const key = `${p.code} ${p.position} ${p.digest}`;
    return !known.has(key) && known.add(key);
  });
  return distinct.toSorted((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity) || 0);
}

/** Entries with a member of an early proposal; `data`, its other member, is part of descriptors today. */
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

async function manifestProblems(view: LayoutView, graph: ReferrerGraph): Promise<Problem[]> {
  const problems: Problem[] = [];
  const unlisted = (await view.unlisted()).map((node) => ({ node, position: undefined }));
  for (const { node, position } of [...(await view.reach()), ...unlisted]) {
    // Of most there is nothing to say.
    const { state, descriptor } = node;
    if (state !== "damaged" && (state !== "read" || (descriptor.size <= PORTABLE_MANIFEST_BYTES && node.manifest.ignored.length === 0)))
      continue;
    const about = { ...(position !== undefined && { position }), digest: node.descriptor.digest };
    if (node.state === "damaged") problems.push({ code: "UNREADABLE", message: unreadableMessage(node), ...about });
    if (node.state !== "read") continue;
    if (node.descriptor.size > PORTABLE_MANIFEST_BYTES) {
      const subject = graph.edges().find((e) => e.referrer.digest === about.digest)?.subject;
      const fix = makeSmaller(about.digest, subject, node.manifest);
      problems.push({ code: "MANIFEST_LARGE", message: largeMessage(node.descriptor), ...about, fix });
    }
    for (const name of node.manifest.ignored) {
      const isSubject = name === "subject";
      problems.push({
        code: isSubject ? "SUBJECT_IGNORED" : "LEGACY_MEMBER",
        message: isSubject
          ? `the Docker manifest ${about.digest} has a subject: it is ignored there`
          : `the manifest ${about.digest} has the member ${JSON.stringify(name)}, which no tool follows; it is kept`,
        ...about,
      });
    }
  }
  return problems;
}

/**
 * Says that oras and most registries refuse a manifest for its size.
 * @example
 * ```ts
 * import { Layout, MAX_MANIFEST_BYTES } from "@ocilot/layout";
 * import { largeMessage } from "@ocilot/referrers";
 *
 * const image = await (await Layout.open("./layout")).resolve("v1");
 * if (image.size > MAX_MANIFEST_BYTES) console.log(largeMessage(image));
 * ```
 */
export function largeMessage(descriptor: Descriptor): string {
  const { digest, size } = descriptor;
  return `the manifest ${digest} has ${size} bytes; oras and most registries refuse more than ${PORTABLE_MANIFEST_BYTES}`;
}

async function edgeProblems(view: LayoutView, graph: ReferrerGraph): Promise<Problem[]> {
  const edges = graph.edges();
  const problems = edges.filter((e) => e.verified && e.link === "S" && e.artifactType === EMPTY_JSON).map(emptyType);
  for (const [digest, group] of repeated(edges)) {
    const subjects = group.map((e) => e.subject).join(" and of ");
    problems.push({
      code: "SUBJECT_CONFLICT",
      message: `${digest} is recorded as a referrer of ${subjects}; it has no subject field that decides, so all links are kept`,
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

/** Referrers that describe their subject differently from the layout: oras loses the link or cannot open the layout. */
async function mismatches(view: LayoutView, edges: readonly ReferrerEdge[]): Promise<Problem[]> {
  const said = new DescriptorSet();
  for (const { subjectDescriptor: d } of edges) if (d !== undefined) said.add(d);
  const subjects = [...said];
  const wanted = new Set(subjects.map((d) => d.digest));
  const listed = [...view.entries.map((e) => e.descriptor), ...(await view.reach()).flatMap((r) => manifestOf(r.node)?.manifests ?? [])];
  const known = groupBy(
    listed.filter((d) => wanted.has(d.digest)),
    (d) => d.digest,
  );
  const nodes = await view.nodes(subjects);
  const wrong = new DescriptorMap<{ readonly descriptor: Descriptor; readonly why: string }>();
  for (let i = 0; i < subjects.length; i++) {
    const d = subjects[i]!;
    const others = known.get(d.digest) ?? [];
    const read = (await view.nodes(others)).flatMap((n) => (n.state === "damaged" ? [] : n.descriptor));
    const why = mismatch(d, nodes[i]!, others, read);
    if (why !== undefined) wrong.set({ descriptor: d, why });
  }
  const found = edges.flatMap((edge) => {
    const d = edge.subjectDescriptor;
    const why = d === undefined ? undefined : wrong.get(d)?.why;
    return why === undefined ? [] : [{ edge, why }];
  });
  const referrers = await view.nodes(found.map(({ edge }) => edge.referrer));
  return found.map(({ edge, why }, i): Problem => {
    const { subject, referrer } = edge;
    return {
      code: "SUBJECT_MISMATCH",
      message: `${referrer.digest} describes its subject ${subject} wrongly: ${why}; oras loses the link or refuses the layout`,
      ...whereOf(edge),
      fix: attachAgain(referrer.digest, subject, manifestOf(referrers[i])),
    };
  });
}

/** @param right those of the others that the manifest can be read by: it is not the subject that is wrong where the others are. */
function mismatch(said: Descriptor, node: ManifestNode, others: readonly Descriptor[], right: readonly Descriptor[]): string | undefined {
  const known = node.state === "read" ? right : others;
  if (node.state !== "damaged" && (known.length === 0 || known.some((d) => d.mediaType === said.mediaType && d.size === said.size)))
    return undefined;
  const actual = right.find((d) => d.mediaType !== said.mediaType || d.size !== said.size);
  if (node.state === "damaged" && actual === undefined) return unreadableMessage(node);
  return actual === undefined
    ? `${said.mediaType} is not the type of a manifest`
    : `it states ${said.mediaType} of ${said.size} bytes, the layout has ${actual.mediaType} of ${actual.size}`;
}

function emptyType(edge: ReferrerEdge): Problem {
  const message = `${edge.referrer.digest} has no artifact type other than that of its empty config`;
  return { code: "EMPTY_ARTIFACT_TYPE", message, ...whereOf(edge) };
}

function whereOf(edge: ReferrerEdge): Pick<Problem, "position" | "digest"> {
  const position = edge.evidence.find((e) => e.position !== undefined)?.position;
  return { ...(position !== undefined && { position }), digest: edge.referrer.digest };
}
