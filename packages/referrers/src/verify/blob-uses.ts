import {
  type Descriptor,
  type Digest,
  INDEX_FILE,
  type IndexEntry,
  type Layout,
  type Manifest,
  OCTET_STREAM,
  manifestKind,
} from "@ocilot/layout/web";
import { SPARSE_PLATFORMS } from "../platform/sparse-platforms.js";
import { embeddedContents } from "../view/embedded-content.js";
import { DescriptorSet } from "../view/descriptor-map.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { groupBy } from "../graph/group-by.js";
import { type MissingChild, type Omission, omittedChildren } from "../platform/omitted-children.js";
import { findLists } from "../records/referrer-lists.js";
import { parseReferrersTag } from "../records/referrers-tag.js";
import { extensionContent } from "../view/extension-content.js";
import { blobsNamedBy, dockerContent } from "../view/followed-blobs.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import type { Use } from "./use.js";
import { type PathStep, entryStep, platformName } from "./reference-path.js";

/** Everything that some entries lead to. */
export interface Inventory {
  /** Each descriptor once, under the shortest path; one digest described in two ways is listed twice. */
  readonly uses: readonly Use[];
  /** The manifests that could be read. */
  readonly manifests: ReadonlyMap<Digest, Manifest>;
  /** The path to each digest. */
  readonly paths: ReadonlyMap<Digest, readonly PathStep[]>;
  /** The links whose referrer or subject is reached. */
  readonly edges: readonly ReferrerEdge[];
  /** Children of image indexes that are missing by design. */
  readonly omitted: ReadonlyMap<Digest, Omission>;
  /** The content that descriptors embed. */
  readonly embedded: ReadonlyMap<Digest, Uint8Array>;
}

/** What an inventory is taken of. */
export interface InventoryOptions {
  readonly entries: readonly IndexEntry[];
  /** Take the whole layout: also Docker's files beside `index.json`, and subjects that only a referrer leads to. */
  readonly isWhole: boolean;
  readonly signal?: AbortSignal | undefined;
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
 * through subjects, and through what blobs of unknown media types name. Opens manifests and such blobs only.
 */
export async function takeInventory(
  layout: Layout,
  view: LayoutView,
  graph: ReferrerGraph,
  { entries, isWhole, signal }: InventoryOptions,
): Promise<Inventory> {
  const uses: Use[] = [];
  const seen = { manifest: new DescriptorSet(), blob: new DescriptorSet() };
  const manifests = new Map<Digest, Manifest>();
  const paths = new Map<Digest, readonly PathStep[]>();
  const edges = new Set<ReferrerEdge>();
  /** Links whose subject nothing led to so far. */
  let waiting: readonly ReferrerEdge[] = graph.edges();
  const embedding: Descriptor[] = [];
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
  if (isWhole) await follow([...(await dockerSteps(layout, view)), ...(await extensionSteps(layout, view))]);
  for (let searched = 0; searched < uses.length;) {
    const fresh = uses.slice(searched);
    searched = uses.length;
    await follow(await namedSteps(fresh));
    for (let level = linked(); level.length > 0; level = linked()) await follow(level);
  }
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.descriptor.digest));
  const omitted = omittedChildren(missingChildren(uses), { manifests, graph, lists });
  return { uses, manifests, paths, edges: [...edges], omitted, embedded: embeddedContents(embedding) };

  /** What blobs that are not manifests name, unless it is known already. */
  async function namedSteps(fresh: readonly Use[]): Promise<Step[]> {
    const blobs = new Map(fresh.flatMap((u) => (u.node.state === "blob" ? [[u.descriptor, u] as const] : [])));
    const { links } = await blobsNamedBy(layout, [...blobs.keys()], signal);
    return links.flatMap(({ by, named }): Step[] => {
      const { steps, roots } = blobs.get(by)!;
      if (paths.has(named.digest)) return [];
      return [{ descriptor: named, slot: "blob", steps: [...steps, { kind: "named", digest: named.digest }], roots }];
    });
  }

  async function follow(start: readonly Step[]): Promise<void> {
    let steps = start;
    while (steps.length > 0) {
      const fresh: Step[] = [];
      for (const step of steps) if (seen[step.slot].add(step.descriptor)) fresh.push(step);
      const nodes = await view.nodes(fresh.map((s) => s.descriptor));
      const next: Step[] = [];
      for (let i = 0; i < fresh.length; i++) {
        const { descriptor, slot, steps: way, roots } = fresh[i]!;
        const node = nodes[i]!;
        uses.push({ descriptor, slot, steps: way, node, roots });
        const { digest } = descriptor;
        if (!paths.has(digest)) paths.set(digest, way);
        const manifest = manifestOf(node);
        if (manifest === undefined || manifests.has(digest)) continue;
        manifests.set(digest, manifest);
        for (const part of partsOf(manifest)) {
          // Also of a descriptor that is known without its data.
          if (part.descriptor.data !== undefined) embedding.push(part.descriptor);
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
    const left: ReferrerEdge[] = [];
    for (const edge of waiting) {
      const below = paths.get(edge.subject);
      // Once there is a way to its subject, all that follows from it is known.
      if (below === undefined) left.push(edge);
      const above = paths.get(edge.referrer.digest);
      if (below === undefined && (above === undefined || !isWhole)) continue;
      edges.add(edge);
      if (below !== undefined && isNew(edge.referrer)) push(edge.referrer, [...below, referrerStep(edge)], below);
      if (edge.subjectDescriptor !== undefined && isNew(edge.subjectDescriptor)) {
        const way = above ?? [...below!, referrerStep(edge)];
        push(edge.subjectDescriptor, [...way, { kind: "subject", digest: edge.subject }], way);
      }
    }
    waiting = left;
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

function missingChildren(uses: readonly Use[]): MissingChild[] {
  const missing = uses.filter((u) => u.steps.at(-1)?.kind === "child" && u.node.state === "absent");
  return missing.map(({ descriptor, steps, roots }) => ({
    descriptor,
    parents: steps.slice(0, -1).flatMap((s) => ("digest" in s ? s.digest : [])),
    isInReferrer: steps.some((s) => s.kind === "referrer"),
    entries: roots,
  }));
}

/** The blobs of images that Docker's `manifest.json` lists, present or not, and their manifests. */
async function dockerSteps(layout: Layout, view: LayoutView): Promise<Step[]> {
  const found = await dockerContent(layout, view);
  const { images } = await layout.dockerImages();
  const known = new Map(found.map((d) => [d.digest, d]));
  const required = images.flatMap(({ file, config, layers }) =>
    file === "manifest.json" ? [...(config === undefined ? [] : [config]), ...layers] : [],
  );
  for (const digest of required) {
    const size = (await layout.blobs.size(digest)) ?? 0;
    if (!known.has(digest)) known.set(digest, { mediaType: OCTET_STREAM, digest, size });
  }
  return [...known.values()].map((descriptor) => namedInFile(descriptor, "manifest.json"));
}

/** What members of `index.json` name that the specification does not describe. */
async function extensionSteps(layout: Layout, view: LayoutView): Promise<Step[]> {
  return (await extensionContent(layout, view)).map((descriptor) => namedInFile(descriptor, INDEX_FILE));
}

function namedInFile(descriptor: Descriptor, file: string): Step {
  const steps: PathStep[] = [
    { kind: "file", file },
    { kind: "named", digest: descriptor.digest },
  ];
  return { descriptor, slot: "blob", steps, roots: NONE };
}

interface Part extends Pick<Use, "descriptor" | "slot"> {
  readonly step: PathStep;
}

function partsOf({ config, layers, manifests }: Manifest): Part[] {
  const parts: Part[] = [];
  if (config !== undefined) parts.push({ descriptor: config, slot: "blob", step: { kind: "config", digest: config.digest } });
  for (let index = 0; index < layers.length; index++) {
    const d = layers[index]!;
    const slot = manifestKind(d.mediaType) === undefined ? "blob" : "manifest";
    parts.push({ descriptor: d, slot, step: { kind: "layer", index, digest: d.digest } });
  }
  for (let index = 0; index < manifests.length; index++) {
    const d = manifests[index]!;
    const platform = platformName(d.platform);
    const step = { kind: "child" as const, index, digest: d.digest };
    parts.push({ descriptor: d, slot: "manifest", step: platform === undefined ? step : { ...step, platform } });
  }
  return parts;
}

function referrerStep(edge: ReferrerEdge): PathStep {
  return { kind: "referrer", digest: edge.referrer.digest, ...(edge.artifactType !== undefined && { artifactType: edge.artifactType }) };
}
