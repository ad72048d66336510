import { type Descriptor, type Digest, bareDescriptor, compareDigests } from "@ocilot/layout/spec";
import { DescriptorMap } from "./descriptor-map.js";
import type { Evidence, ReferrerEdge } from "./edge.js";
import { type LayoutView, type ManifestNode, manifestOf } from "./view.js";

/** Who refers to whom, whichever convention said so: one edge for each pair, with all that speaks for it. */
export class ReferrerGraph {
  readonly #bySubject: Map<Digest, Map<Digest, ReferrerEdge>> = new Map();
  /** Edges that were made here by merging and that nobody has seen yet: more evidence goes into the same list. */
  readonly #growing: Set<ReferrerEdge> = new Set();
  readonly #sortedOf: Map<Digest, readonly ReferrerEdge[]> = new Map();
  #sorted: readonly ReferrerEdge[] | undefined;

  constructor(edges: Iterable<ReferrerEdge> = []) {
    for (const edge of edges) this.add(edge);
  }

  /** Adds an edge, or its evidence to the edge that is there; what was verified outweighs what was only claimed. */
  add(edge: ReferrerEdge): void {
    const { digest } = edge.referrer;
    const siblings = this.#bySubject.get(edge.subject);
    const old = siblings?.get(digest);
    if (siblings === undefined) this.#bySubject.set(edge.subject, new Map([[digest, edge]]));
    else siblings.set(digest, old === undefined ? edge : this.#merge(old, edge));
    this.#sorted = undefined;
    this.#sortedOf.delete(edge.subject);
  }

  get size(): number {
    let size = 0;
    for (const siblings of this.#bySubject.values()) size += siblings.size;
    return size;
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
  of(subject: Digest): readonly ReferrerEdge[] {
    let edges = this.#sortedOf.get(subject);
    if (edges === undefined) {
      const siblings = [...(this.#bySubject.get(subject)?.values() ?? [])];
      edges = siblings.toSorted((a, b) => compareDigests(a.referrer.digest, b.referrer.digest));
      this.#growing.clear();
      this.#sortedOf.set(subject, edges);
    }
    return edges;
  }

  has(subject: Digest, referrer: Digest): boolean {
    return this.#bySubject.get(subject)?.has(referrer) ?? false;
  }

  /** Only the edges for which `keep` holds. */
  filter(keep: (edge: ReferrerEdge) => boolean): ReferrerGraph {
    return new ReferrerGraph(this.edges().filter(keep));
  }

  #merge(old: ReferrerEdge, edge: ReferrerEdge): ReferrerEdge {
    const isBetter = weight(edge) > weight(old);
    const [best, other] = isBetter ? [edge, old] : [old, edge];
    const merged = this.#growing.has(best) ? best : { ...best, evidence: [...best.evidence] };
    this.#growing.delete(old);
    this.#growing.add(merged);
    const evidence = merged.evidence as Evidence[];
    for (const item of other.evidence) if (!evidence.some((e) => sameEvidence(e, item))) evidence.push(item);
    return merged;
  }

  /** What `followed` does not hold yet of the descriptors by which edges name their subjects; it holds them then. */
  subjectsBeside(followed: DescriptorMap<true>): { descriptor: Descriptor; edge: ReferrerEdge }[] {
    const fresh: { descriptor: Descriptor; edge: ReferrerEdge }[] = [];
    for (const siblings of this.#bySubject.values()) {
      for (const edge of siblings.values()) {
        const descriptor = edge.subjectDescriptor;
        if (descriptor === undefined || followed.has(descriptor)) continue;
        followed.set(descriptor, true);
        fresh.push({ descriptor, edge });
      }
    }
    return fresh;
  }
}

function weight(edge: ReferrerEdge): number {
  return (edge.verified ? 2 : 0) + (edge.link === "S" ? 1 : 0);
}

function sameEvidence(a: Evidence, b: Evidence): boolean {
  return a.convention === b.convention && a.position === b.position && a.within === b.within;
}

/** The S-edge that a manifest with a `subject` is; undefined for any other node. */
export function subjectEdge(node: ManifestNode, evidence: Evidence): ReferrerEdge | undefined {
  const manifest = manifestOf(node);
  if (manifest?.subject === undefined) return undefined;
  const edge: { -readonly [Member in keyof ReferrerEdge]: ReferrerEdge[Member] } = {
    subject: manifest.subject.digest,
    subjectDescriptor: manifest.subject,
    referrer: bareDescriptor(node.descriptor),
    link: "S",
    verified: true,
    annotations: manifest.annotations,
    evidence: [evidence],
  };
  if (manifest.artifactType !== undefined) edge.artifactType = manifest.artifactType;
  if (manifest.kind.endsWith("artifact")) edge.legacy = true;
  return edge;
}

/** An edge that a record claims: the manifest behind `node` has no `subject` (an N-edge), or cannot be read. */
export function claimedEdge(subject: Digest, node: ManifestNode, evidence: Evidence, link: "S" | "N"): ReferrerEdge {
  const manifest = manifestOf(node);
  const { artifactType, annotations } = manifest ?? node.descriptor;
  return {
    subject,
    referrer: bareDescriptor(node.descriptor),
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
  const followed = new DescriptorMap<true>();
  for (;;) {
    const steps = graph.subjectsBeside(followed);
    if (steps.length === 0) return;
    const nodes = await view.nodes(steps.map((s) => s.descriptor));
    for (const [i, node] of nodes.entries()) {
      const { edge: below } = steps[i]!;
      const edge = subjectEdge(node, { ...below.evidence[0]!, within: below.referrer.digest });
      if (edge !== undefined && !graph.has(edge.subject, edge.referrer.digest)) graph.add(edge);
    }
  }
}
