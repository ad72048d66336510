import { DOCKER_REFERENCE_DIGEST, type Descriptor, type Digest, OcilotError, type Platform, manifestKind } from "@ocilot/layout/spec";
import type { ReferrerEdge } from "../edge.js";
import type { ReferrerGraph } from "../graph.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view.js";
import { formatPlatform, matchesPlatform } from "./platform.js";

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
  let level: Descriptor[] = [...roots];
  while (level.length > 0) {
    const fresh = level.filter((d) => !seen.has(d.digest) && seen.add(d.digest));
    const nodes = await view.nodes(fresh);
    level = [];
    for (const node of nodes) {
      const { digest } = node.descriptor;
      const manifest = manifestOf(node);
      if (node.state === "blob") blobs.set(digest, node.descriptor);
      else if (manifest === undefined) unreadable.push(node);
      if (manifest !== undefined) {
        manifests.set(digest, node);
        for (const blob of [...(manifest.config ? [manifest.config] : []), ...manifest.layers]) {
          if (manifestKind(blob.mediaType) === undefined) blobs.set(blob.digest, blob);
          else level.push(blob);
        }
        const kept = keptChildren(manifest.manifests, options.platforms);
        omitted.push(...manifest.manifests.filter((d) => !kept.includes(d)));
        level.push(...kept);
      }
      if (options.referrers === false) continue;
      for (const edge of graph.of(digest)) {
        edges.push(edge);
        level.push(edge.referrer);
      }
    }
  }
  return { manifests, blobs, edges, omitted: omitted.filter((d) => !seen.has(d.digest)), unreadable };
}

/** The children for the wanted platforms, and what BuildKit put beside those. */
function keptChildren(children: readonly Descriptor[], wanted: readonly Platform[] | undefined): readonly Descriptor[] {
  if (wanted === undefined || children.every((d) => d.platform === undefined)) return children;
  const images = children.filter((d) => wanted.some((p) => matchesPlatform(d.platform, p)));
  const digests = new Set<string>(images.map((d) => d.digest));
  return children.filter((d) => digests.has(d.digest) || digests.has(d.annotations?.[DOCKER_REFERENCE_DIGEST] ?? ""));
}

/**
 * Refuses a platform that the image index does not offer, before anything is copied.
 * @throws OcilotError `REF_NOT_FOUND`
 */
export function checkPlatforms(node: ManifestNode, wanted: readonly Platform[]): void {
  const children = manifestOf(node)?.manifests ?? [];
  for (const platform of wanted) {
    if (children.some((d) => matchesPlatform(d.platform, platform))) continue;
    const offered = [
      ...new Set(children.flatMap((d) => (d.platform === undefined || d.platform.os === "unknown" ? [] : formatPlatform(d.platform)))),
    ];
    throw new OcilotError(
      "REF_NOT_FOUND",
      `${node.descriptor.digest} has no platform ${formatPlatform(platform)}`,
      { reference: formatPlatform(platform), candidates: offered },
      {
        hint: offered.length === 0 ? "It is not an image index with platforms." : `It has: ${offered.join(", ")}`,
      },
    );
  }
}
