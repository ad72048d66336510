import { type Descriptor, type Digest, type Layout, manifestKind } from "@ocilot/layout/web";
import type { ReferrerEdge } from "../graph/edge.js";
import { groupBy } from "../graph/group-by.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import type { MissingChild } from "../platform/omitted-children.js";
import { SPARSE_PLATFORMS } from "../platform/sparse-platforms.js";
import { embeddedContent } from "../view/embedded-content.js";
import { blobsNamedBy } from "../view/followed-blobs.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";

/** Which part of what belongs to a root is selected. */
export interface ClosureOptions {
  /** Children of image indexes to leave out; not applied below a referrer, which is signed as a whole. */
  readonly leaveOut?: ReadonlySet<Digest>;
  /** Referrers of everything in the closure, of those referrers, and so on (default: true). */
  readonly referrers?: boolean;
  /** Returns whether some blob of the source is not in the closure: only then blobs are searched for digests. */
  readonly hasMore?: (closure: { has(digest: Digest): boolean }) => boolean | Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
}

/** A manifest that is referenced and cannot be read, and the path to it. */
export interface UnreadableManifest extends MissingChild {
  readonly node: ManifestNode;
}

/** Everything that belongs to some roots: manifests, the blobs they name, and the links between them. */
export interface Closure {
  readonly manifests: ReadonlyMap<Digest, ManifestNode>;
  /** Configs, layers, and what blobs of unknown media types name. */
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  readonly edges: readonly ReferrerEdge[];
  /** Children of an index that were left out. */
  readonly omitted: readonly Descriptor[];
  readonly unreadable: readonly UnreadableManifest[];
}

/** A descriptor to follow; `isWhole` where no child of it may be left out. */
interface Step {
  readonly d: Descriptor;
  readonly isWhole: boolean;
  readonly parents: readonly Digest[];
  readonly entries: readonly Descriptor[];
}

const NONE: readonly never[] = [];

/**
 * Returns what belongs to `roots`. Opens manifests, and blobs of media types that ocilot does not know; does not check whether
 * other blobs are present.
 * @throws OcilotError the error of a blob that cannot be searched: what it names is unknown
 */
export async function collectClosure(
  layout: Layout,
  view: LayoutView,
  graph: ReferrerGraph,
  roots: readonly Descriptor[],
  options: ClosureOptions = {},
): Promise<Closure> {
  const manifests = new Map<Digest, ManifestNode>();
  const blobs = new Map<Digest, Descriptor>();
  const edges = new Set<ReferrerEdge>();
  const omitted: Descriptor[] = [];
  const unreadable = new Map<Digest, UnreadableManifest>();
  const seen = new Set<Digest>();
  const seenWhole = new Set<Digest>();
  const has = (digest: Digest): boolean => manifests.has(digest) || blobs.has(digest);
  const searched = new Set<Digest>();
  const notes = groupBy(
    roots.filter((d) => d.annotations?.[SPARSE_PLATFORMS] !== undefined),
    (d) => d.digest,
  );
  let level: Step[] = roots.map((d) => ({ d, isWhole: false, parents: NONE, entries: notes.get(d.digest) ?? NONE }));
  while (level.length > 0) {
    await follow();
    if (level.length === 0 && (await options.hasMore?.({ has })) !== false) level = await namedSteps();
  }
  return {
    manifests,
    blobs,
    edges: [...edges],
    omitted: omitted.filter((d) => !seen.has(d.digest)),
    unreadable: [...unreadable.values()],
  };

  async function follow(): Promise<void> {
    const fresh = level.filter(({ d, isWhole }) => {
      if (seen.has(d.digest) && (!isWhole || seenWhole.has(d.digest))) return false;
      if (isWhole) seenWhole.add(d.digest);
      return seen.add(d.digest);
    });
    const nodes = await view.nodes(fresh.map((step) => step.d));
    level = [];
    for (let i = 0; i < nodes.length; i++) visit(nodes[i]!, fresh[i]!);
  }

  function visit(node: ManifestNode, { isWhole, parents, entries }: Step): void {
    const { descriptor } = node;
    const { digest } = descriptor;
    const manifest = manifestOf(node);
    if (node.state === "blob") keep(descriptor);
    else if (manifest === undefined) unreadable.set(digest, { node, descriptor, parents, isInReferrer: isWhole, entries });
    if (manifest !== undefined) {
      const below = { isWhole, parents: [...parents, digest], entries };
      manifests.set(digest, node);
      for (const d of [...(manifest.config ? [manifest.config] : []), ...manifest.layers]) {
        if (manifestKind(d.mediaType) === undefined) {
          keep(d);
          addReferrers(d.digest);
        } else level.push({ d, ...below });
      }
      for (const d of manifest.manifests) {
        if (!isWhole && options.leaveOut?.has(d.digest) === true) omitted.push(d);
        else level.push({ d, ...below });
      }
    }
    addReferrers(digest);
  }

  /** A config or a layer may be a subject as well. */
  function addReferrers(subject: Digest): void {
    if (options.referrers === false) return;
    for (const edge of graph.of(subject)) {
      edges.add(edge);
      level.push({ d: edge.referrer, isWhole: true, parents: NONE, entries: NONE });
    }
  }

  /** Of several descriptors of a blob one that embeds it is worth more. */
  function keep(d: Descriptor): void {
    const known = blobs.get(d.digest);
    if (known === undefined || embeddedContent(known) === undefined) blobs.set(d.digest, d);
  }

  async function namedSteps(): Promise<Step[]> {
    const fresh = [...blobs.values()].filter((d) => !searched.has(d.digest));
    for (const d of fresh) searched.add(d.digest);
    const { links, unreadable: failed } = await blobsNamedBy(layout, fresh, options.signal);
    if (failed[0] !== undefined) throw failed[0];
    return links.flatMap(({ named: d }) => (seen.has(d.digest) ? [] : { d, isWhole: true, parents: NONE, entries: NONE }));
  }
}
