import { DOCKER_REFERENCE_DIGEST, type Descriptor, type Digest, type Platform, manifestKind } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view.js";
import { matchesPlatform } from "./platform.js";

/** Which part of what hangs on a root is wanted. */
export interface ClosureOptions {
  /** Only these platforms of an image index; all unless told. */
  readonly platforms?: readonly Platform[];
  /** Referrers of every manifest in the closure, of those referrers, and so on; true unless told. */
  readonly referrers?: boolean;
}

/** All that belongs to some roots: manifests, the blobs they name, and the links between them. */
export interface Closure {
  readonly manifests: ReadonlyMap<Digest, ManifestNode>;
  /** Configs and layers. */
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  readonly edges: readonly ReferrerEdge[];
  /** Children of an index that were left out because of their platform. */
  readonly omitted: readonly Descriptor[];
  /** Manifests that something names and that cannot be read. */
  readonly unreadable: readonly ManifestNode[];
}

/** Something to be looked at; `isWhole` where no platform of it may be left out. */
interface Step {
  readonly d: Descriptor;
  readonly isWhole: boolean;
}

/** Collects what hangs on `roots`. Nothing is opened but manifests; whether blobs are there is not looked at. */
export async function collectClosure(
  view: LayoutView,
  graph: ReferrerGraph,
  roots: readonly Descriptor[],
  options: ClosureOptions = {},
): Promise<Closure> {
  const manifests = new Map<Digest, ManifestNode>();
  const blobs = new Map<Digest, Descriptor>();
  const edges: ReferrerEdge[] = [];
  const omitted: Descriptor[] = [];
  const unreadable: ManifestNode[] = [];
  const seen = new Set<Digest>();
  let level: Step[] = roots.map((d) => ({ d, isWhole: false }));
  while (level.length > 0) {
    const fresh = level.filter(({ d }) => !seen.has(d.digest) && seen.add(d.digest));
    const nodes = await view.nodes(fresh.map((step) => step.d));
    level = [];
    for (const [i, node] of nodes.entries()) {
      const { digest } = node.descriptor;
      const { isWhole } = fresh[i]!;
      const manifest = manifestOf(node);
      if (node.state === "blob") blobs.set(digest, node.descriptor);
      else if (manifest === undefined) unreadable.push(node);
      if (manifest !== undefined) {
        manifests.set(digest, node);
        for (const d of [...(manifest.config ? [manifest.config] : []), ...manifest.layers]) {
          if (manifestKind(d.mediaType) === undefined) blobs.set(d.digest, d);
          else level.push({ d, isWhole });
        }
        const kept = new Set(keptChildren(manifest.manifests, isWhole ? undefined : options.platforms));
        for (const d of manifest.manifests) {
          if (kept.has(d)) level.push({ d, isWhole });
          else omitted.push(d);
        }
      }
      if (options.referrers === false) continue;
      for (const edge of graph.of(digest)) {
        edges.push(edge);
        // What refers to something kept is signed as a whole: no platform of it is left out.
        level.push({ d: edge.referrer, isWhole: true });
      }
    }
  }
  return { manifests, blobs, edges, omitted: omitted.filter((d) => !seen.has(d.digest)), unreadable };
}

/** The children for the wanted platforms, what BuildKit put beside those, and indexes that may hold some. */
function keptChildren(children: readonly Descriptor[], wanted: readonly Platform[] | undefined): readonly Descriptor[] {
  if (wanted === undefined || children.every((d) => d.platform === undefined)) return children;
  const images = children.filter((d) => wanted.some((p) => matchesPlatform(d.platform, p)));
  const digests = new Set<string>(images.map((d) => d.digest));
  const isNested = (d: Descriptor): boolean => d.platform === undefined && /index|list/.test(manifestKind(d.mediaType) ?? "");
  return children.filter((d) => digests.has(d.digest) || isNested(d) || digests.has(d.annotations?.[DOCKER_REFERENCE_DIGEST] ?? ""));
}
