import { type Descriptor, type Digest, compareDigests } from "@ocilot/layout/spec";
import { type Evidence, type ReferrerEdge, edgeKey } from "./edge.js";
import { type LayoutView, type ManifestNode, manifestOf } from "./view.js";

/** Who refers to whom, whichever convention said so: one edge for each pair, with all that speaks for it. */
export class ReferrerGraph {
  readonly #edges: Map<string, ReferrerEdge> = new Map();
  readonly #bySubject: Map<Digest, Map<Digest, ReferrerEdge>> = new Map();
  #sorted: readonly ReferrerEdge[] | undefined;

  constructor(edges: Iterable<ReferrerEdge> = []) {
    for (const edge of edges) this.add(edge);
  }

  /** Adds an edge, or its evidence to the edge that is there; what was verified outweighs what was only claimed. */
  add(edge: ReferrerEdge): void {
    const key = edgeKey(edge);
    const old = this.#edges.get(key);
    const merged = old === undefined ? edge : mergeEdges(old, edge);
    this.#sorted = undefined;
    this.#edges.set(key, merged);
    const siblings = this.#bySubject.get(edge.subject);
    if (siblings === undefined) this.#bySubject.set(edge.subject, new Map([[edge.referrer.digest, merged]]));
    else siblings.set(edge.referrer.digest, merged);
  }

  get size(): number {
    return this.#edges.size;
  }

  /** All edges, by subject and then by referrer. */
  edges(): readonly ReferrerEdge[] {
    this.#sorted ??= this.subjects().flatMap((subject) => this.of(subject));
    return this.#sorted;
  }

  /** The subjects that have referrers, sorted. */
  subjects(): Digest[] {
    return [...this.#bySubject.keys()].toSorted(compareDigests);
  }

  /** The referrers of one subject, sorted by digest. */
  of(subject: Digest): ReferrerEdge[] {
    const edges = [...(this.#bySubject.get(subject)?.values() ?? [])];
    return edges.toSorted((a, b) => compareDigests(a.referrer.digest, b.referrer.digest));
  }

  has(subject: Digest, referrer: Digest): boolean {
    return this.#bySubject.get(subject)?.has(referrer) ?? false;
  }

  /** Only the edges for which `keep` holds. */
  filter(keep: (edge: ReferrerEdge) => boolean): ReferrerGraph {
    return new ReferrerGraph(this.edges().filter(keep));
  }
}

function mergeEdges(a: ReferrerEdge, b: ReferrerEdge): ReferrerEdge {
  const weight = (e: ReferrerEdge): number => (e.verified ? 2 : 0) + (e.link === "S" ? 1 : 0);
  const [best, other] = weight(b) > weight(a) ? [b, a] : [a, b];
  const evidence = [...best.evidence];
  for (const item of other.evidence) if (!evidence.some((e) => sameEvidence(e, item))) evidence.push(item);
  return { ...best, evidence };
}

function sameEvidence(a: Evidence, b: Evidence): boolean {
  return a.convention === b.convention && a.position === b.position && a.within === b.within;
}

/** The S-edge that a manifest with a `subject` is; undefined for any other node. */
export function subjectEdge(node: ManifestNode, evidence: Evidence): ReferrerEdge | undefined {
  const manifest = manifestOf(node);
  if (manifest?.subject === undefined) return undefined;
  return {
    subject: manifest.subject.digest,
    subjectDescriptor: manifest.subject,
    referrer: bare(node.descriptor),
    link: "S",
    verified: true,
    ...(manifest.artifactType !== undefined && { artifactType: manifest.artifactType }),
    annotations: manifest.annotations,
    ...(manifest.kind.endsWith("artifact") && { legacy: true as const }),
    evidence: [evidence],
  };
}

/** An edge that a record claims: the manifest behind `node` has no `subject` (an N-edge), or cannot be read. */
export function claimedEdge(subject: Digest, node: ManifestNode, evidence: Evidence, link: "S" | "N"): ReferrerEdge {
  const manifest = manifestOf(node);
  const { artifactType, annotations } = manifest ?? node.descriptor;
  return {
    subject,
    referrer: bare(node.descriptor),
    link,
    verified: manifest !== undefined,
    ...(artifactType !== undefined && { artifactType }),
    annotations: annotations ?? {},
    evidence: [evidence],
  };
}

/**
 * Follows `subject` from what the graph knows: a manifest that nothing lists is still found where a referrer of it is
 * listed (what oras leaves when it prunes the middle of a chain).
 */
export async function followSubjects(graph: ReferrerGraph, view: LayoutView): Promise<void> {
  let level = graph.edges();
  while (level.length > 0) {
    const steps = level.filter((e) => e.subjectDescriptor !== undefined);
    const nodes = await view.nodes(steps.map((e) => e.subjectDescriptor!));
    const next: ReferrerEdge[] = [];
    for (const [i, node] of nodes.entries()) {
      const edge = subjectEdge(node, { ...steps[i]!.evidence[0]!, within: steps[i]!.referrer.digest });
      if (edge === undefined || graph.has(edge.subject, edge.referrer.digest)) continue;
      graph.add(edge);
      next.push(edge);
    }
    level = next;
  }
}

function bare(d: Descriptor): Descriptor {
  return { mediaType: d.mediaType, digest: d.digest, size: d.size };
}
