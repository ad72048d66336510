import { type Descriptor, type Digest, bareDescriptor, compareDigests, manifestKind } from "@ocilot/layout/spec";
import { DescriptorSet } from "../view/descriptor-map.js";
import type { LinkEvidence, ReferrerEdge } from "./edge.js";
import { type LayoutView, type ListedNode, type ManifestNode, manifestOf } from "../view/layout-view.js";

/** The links of a layout from all conventions: one edge for each pair of subject and referrer, with the evidence for it. */
export class ReferrerGraph {
  readonly #bySubject: Map<Digest, Map<Digest, ReferrerEdge>> = new Map();
  /** Edges that were made here by merging and that nobody has seen yet: more evidence goes into the same list. */
  readonly #growing: Set<ReferrerEdge> = new Set();
  readonly #sortedOf: Map<Digest, readonly ReferrerEdge[]> = new Map();
  #sorted: readonly ReferrerEdge[] | undefined;
  #referrers: ReadonlySet<Digest> | undefined;
  /** The subject of the edge that was added last, and its edges: edges come sorted by subject more often than not. */
  #last: { readonly subject: Digest; readonly siblings: Map<Digest, ReferrerEdge> } | undefined;

  constructor(edges: Iterable<ReferrerEdge> = []) {
    for (const edge of edges) this.add(edge);
  }

  /** Adds an edge, or adds its evidence to an existing edge. A verified edge takes precedence over one that is only recorded. */
  add(edge: ReferrerEdge): void {
    const { digest } = edge.referrer;
    const siblings = this.#siblings(edge.subject);
    const old = siblings.get(digest);
    const next = old === undefined ? edge : this.#merge(old, edge);
    if (next === old) return;
    siblings.set(digest, next);
    this.#sorted = undefined;
    if (old === undefined) this.#referrers = undefined;
    if (this.#sortedOf.size > 0) this.#sortedOf.delete(edge.subject);
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

  /** The digests of all manifests that refer to something. */
  referrers(): ReadonlySet<Digest> {
    this.#referrers ??= new Set(this.edges().map((e) => e.referrer.digest));
    return this.#referrers;
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

  #siblings(subject: Digest): Map<Digest, ReferrerEdge> {
    if (this.#last?.subject === subject) return this.#last.siblings;
    let siblings = this.#bySubject.get(subject);
    if (siblings === undefined) this.#bySubject.set(subject, (siblings = new Map()));
    this.#last = { subject, siblings };
    return siblings;
  }

  #merge(old: ReferrerEdge, edge: ReferrerEdge): ReferrerEdge {
    const isBetter = weight(edge) > weight(old);
    const [best, other] = isBetter ? [edge, old] : [old, edge];
    const isOwn = this.#growing.has(best);
    const merged = isOwn ? best : { ...best, evidence: [...best.evidence] };
    if (!isOwn) {
      this.#growing.delete(old);
      this.#growing.add(merged);
    }
    const evidence = merged.evidence as LinkEvidence[];
    for (const item of other.evidence) if (!evidence.some((e) => sameEvidence(e, item))) evidence.push(item);
    return merged;
  }

  /** What `followed` does not hold yet of the descriptors by which edges name their subjects; it holds them then. */
  subjectsBeside(followed: DescriptorSet): { descriptor: Descriptor; edge: ReferrerEdge }[] {
    const fresh: { descriptor: Descriptor; edge: ReferrerEdge }[] = [];
    let last: Descriptor | undefined;
    for (const siblings of this.#bySubject.values()) {
      for (const edge of siblings.values()) {
        const descriptor = edge.subjectDescriptor;
        if (descriptor === undefined || descriptor === last) continue;
        last = descriptor;
        if (followed.add(descriptor)) fresh.push({ descriptor, edge });
      }
    }
    return fresh;
  }
}

function weight(edge: ReferrerEdge): number {
  return (edge.verified ? 2 : 0) + (edge.link === "S" ? 1 : 0);
}

function sameEvidence(a: LinkEvidence, b: LinkEvidence): boolean {
  return a.convention === b.convention && a.position === b.position && a.within === b.within;
}

/**
 * The S-edge that a manifest with a `subject` is, or that a list states which is taken at its word; undefined for any other node.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openView, subjectEdge } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * for (const { descriptor, position } of view.entries) {
 *   const [node] = await view.nodes([descriptor]);
 *   if (node !== undefined) console.log(subjectEdge(node, { convention: "oras", position })?.subject);
 * }
 * ```
 */
export function subjectEdge(node: ManifestNode, evidence: LinkEvidence): ReferrerEdge | undefined {
  if (node.state === "listed") return listedEdge(node, evidence);
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

function listedEdge({ line, subject }: ListedNode, evidence: LinkEvidence): ReferrerEdge {
  const { artifactType, annotations, mediaType } = line;
  const edge: { -readonly [Member in keyof ReferrerEdge]: ReferrerEdge[Member] } = {
    subject,
    referrer: bareDescriptor(line),
    link: "S",
    verified: false,
    unopened: true,
    annotations: annotations ?? {},
    evidence: [evidence],
  };
  if (artifactType) edge.artifactType = artifactType;
  if (manifestKind(mediaType)?.endsWith("artifact") === true) edge.legacy = true;
  return edge;
}

/** Returns an edge that only a record states: the manifest of `node` has no `subject` (an N-edge), or cannot be read. */
export function recordedEdge(subject: Digest, node: ManifestNode, evidence: LinkEvidence, link: "S" | "N"): ReferrerEdge {
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
 * Follows `subject` from what the graph knows: an unlisted manifest is still found if a referrer of it is
 * listed (what oras leaves when it prunes the middle of a chain).
 */
export async function followSubjects(graph: ReferrerGraph, view: LayoutView): Promise<void> {
  const followed = new DescriptorSet();
  for (;;) {
    const steps = graph.subjectsBeside(followed);
    if (steps.length === 0) return;
    const nodes = await view.nodes(steps.map((s) => s.descriptor));
    for (let i = 0; i < steps.length; i++) {
      const { edge: below } = steps[i]!;
      const edge = subjectEdge(nodes[i]!, { ...below.evidence[0]!, within: below.referrer.digest });
      if (edge !== undefined && !graph.has(edge.subject, edge.referrer.digest)) graph.add(edge);
    }
  }
}
