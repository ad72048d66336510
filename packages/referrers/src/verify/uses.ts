import { type Descriptor, type Digest, type IndexEntry, type Manifest, manifestKind } from "@ocilot/layout/spec";
import { SPARSE_PLATFORMS } from "../copy/sparse.js";
import { DescriptorMap } from "../descriptor-map.js";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { groupBy } from "../group-by.js";
import { parseReferrersTag } from "../referrers-tag.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view.js";
import { type PathStep, entryStep, platformName } from "./path.js";

/** A descriptor somewhere in the layout, and the way there. */
export interface Use {
  readonly descriptor: Descriptor;
  /** `"manifest"` where only a manifest makes sense: an entry, a child of an index, a subject, a referrer. */
  readonly slot: "manifest" | "blob";
  readonly steps: readonly PathStep[];
  readonly node: ManifestNode;
  /** The entries at which the way may begin, as far as they say that a copy left platforms out. */
  readonly roots: readonly Descriptor[];
}

/** Everything that one gets to from some entries. */
export interface Inventory {
  /** Each descriptor once, under the shortest way; one digest described in two ways stands there twice. */
  readonly uses: readonly Use[];
  /** The manifests that could be read. */
  readonly manifests: ReadonlyMap<Digest, Manifest>;
  /** The way to each digest. */
  readonly paths: ReadonlyMap<Digest, readonly PathStep[]>;
  /** The links whose referrer or subject one gets to. */
  readonly edges: readonly ReferrerEdge[];
}

const NONE: readonly Descriptor[] = [];

interface Step {
  readonly descriptor: Descriptor;
  readonly slot: Use["slot"];
  readonly steps: readonly PathStep[];
  readonly roots: readonly Descriptor[];
}

/**
 * Follows entries through children, configs and layers, then through referrers, of everything found and of each other,
 * and through subjects. Nothing is opened but manifests.
 * @param withSubjects follow a referrer to a subject that nothing else leads to
 */
export async function takeInventory(
  view: LayoutView,
  graph: ReferrerGraph,
  entries: readonly IndexEntry[],
  withSubjects: boolean,
): Promise<Inventory> {
  const uses: Use[] = [];
  const seen = { manifest: new DescriptorMap<true>(), blob: new DescriptorMap<true>() };
  const manifests = new Map<Digest, Manifest>();
  const paths = new Map<Digest, readonly PathStep[]>();
  const edges = new Set<ReferrerEdge>();
  const sparse = groupBy(
    entries.flatMap(({ descriptor: d }) => (d.annotations?.[SPARSE_PLATFORMS] === undefined ? [] : d)),
    (d) => d.digest,
  );
  // A real tag is the best name for what an entry of a referrer or a list leads to as well.
  const isName = ({ tag }: IndexEntry): boolean => tag !== undefined && parseReferrersTag(tag) === undefined;
  for (const wave of [entries.filter(isName), entries.filter((e) => !isName(e))]) {
    let level = wave.map(({ descriptor, ...e }): Step => {
      return { descriptor, slot: "manifest", steps: [entryStep({ descriptor, ...e })], roots: sparse.get(descriptor.digest) ?? NONE };
    });
    while (level.length > 0) {
      await follow(level);
      level = linked();
    }
  }
  return { uses, manifests, paths, edges: [...edges] };

  async function follow(start: readonly Step[]): Promise<void> {
    let steps = start;
    while (steps.length > 0) {
      const fresh: Step[] = [];
      for (const step of steps) {
        if (seen[step.slot].has(step.descriptor)) continue;
        seen[step.slot].set(step.descriptor, true);
        fresh.push(step);
      }
      const nodes = await view.nodes(fresh.map((s) => s.descriptor));
      const next: Step[] = [];
      for (const [i, { descriptor, slot, steps: way, roots }] of fresh.entries()) {
        const node = nodes[i]!;
        uses.push({ descriptor, slot, steps: way, node, roots });
        const { digest } = descriptor;
        if (!paths.has(digest)) paths.set(digest, way);
        const manifest = manifestOf(node);
        if (manifest === undefined || manifests.has(digest)) continue;
        manifests.set(digest, manifest);
        for (const part of partsOf(manifest)) {
          if (!seen[part.slot].has(part.descriptor))
            next.push({ descriptor: part.descriptor, slot: part.slot, steps: [...way, part.step], roots });
        }
      }
      steps = next;
    }
  }

  /** The referrers of all that is known so far, and the subjects of those, as far as they are new. */
  function linked(): Step[] {
    const next: Step[] = [];
    for (const edge of graph.edges()) {
      const below = paths.get(edge.subject);
      const above = paths.get(edge.referrer.digest);
      if (below === undefined && (above === undefined || !withSubjects)) continue;
      edges.add(edge);
      if (below !== undefined && isNew(edge.referrer)) push(edge.referrer, [...below, referrerStep(edge)], below);
      if (edge.subjectDescriptor !== undefined && isNew(edge.subjectDescriptor)) {
        const way = above ?? [...below!, referrerStep(edge)];
        push(edge.subjectDescriptor, [...way, { kind: "subject", digest: edge.subject }], way);
      }
    }
    return next;

    function isNew(descriptor: Descriptor): boolean {
      return !seen.manifest.has(descriptor);
    }

    function push(descriptor: Descriptor, steps: readonly PathStep[], from: readonly PathStep[]): void {
      const first = from[0];
      const roots = first?.kind === "entry" ? (sparse.get(first.digest) ?? NONE) : NONE;
      next.push({ descriptor, slot: "manifest", steps, roots });
    }
  }
}

interface Part extends Pick<Use, "descriptor" | "slot"> {
  readonly step: PathStep;
}

function* partsOf({ config, layers, manifests }: Manifest): Iterable<Part> {
  if (config !== undefined) yield { descriptor: config, slot: "blob", step: { kind: "config", digest: config.digest } };
  for (const [index, d] of layers.entries()) {
    const slot = manifestKind(d.mediaType) === undefined ? "blob" : "manifest";
    yield { descriptor: d, slot, step: { kind: "layer", index, digest: d.digest } };
  }
  for (const [index, d] of manifests.entries()) {
    const platform = platformName(d.platform);
    yield {
      descriptor: d,
      slot: "manifest",
      step: { kind: "child", index, digest: d.digest, ...(platform !== undefined && { platform }) },
    };
  }
}

function referrerStep(edge: ReferrerEdge): PathStep {
  return { kind: "referrer", digest: edge.referrer.digest, ...(edge.artifactType !== undefined && { artifactType: edge.artifactType }) };
}
