import {
  DOCKER_REFERENCE_DIGEST,
  DOCKER_REFERENCE_TYPE,
  type Descriptor,
  type Digest,
  type IndexEntry,
  type Manifest,
} from "@ocilot/layout/spec";
import type { DigestChange, UnrepresentableLink } from "../records/projection.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { entriesByDigest, openEntries } from "../records/referrer-entries.js";
import { isAttestation } from "../evidence/wrappings/buildkit.js";
import { unrepresentableLink } from "../records/unrepresentable.js";
import { parseReferrersTag } from "../records/referrers-tag.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";

/** An image index and the entries by whose tags people call it. */
export interface TaggedIndex {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly entries: readonly IndexEntry[];
  /** Some other entry lists it too. */
  readonly isListedOtherwise: boolean;
}

/** A tag that is made of the index's own digest must not move to another one. */
export async function taggedIndexes(graph: ReferrerGraph, view: LayoutView): Promise<TaggedIndex[]> {
  const referrers = graph.referrers();
  const found = new Map<Digest, TaggedIndex>();
  for (const { entry, node } of await openEntries(view)) {
    const { digest } = entry.descriptor;
    const manifest = manifestOf(node);
    if (manifest?.kind !== "index" || referrers.has(digest) || found.has(digest)) continue;
    const same = entriesByDigest(view).get(digest)!;
    const entries = same.filter((e) => e.tag !== undefined && parseReferrersTag(e.tag) === undefined);
    if (entries.length > 0)
      found.set(digest, { descriptor: entry.descriptor, manifest, entries, isListedOtherwise: entries.length < same.length });
  }
  return [...found.values()];
}

const UNKNOWN = { architecture: "unknown", os: "unknown" };

/**
 * The referrers of an index's children, and theirs in turn, that the index does not list. All are children as BuildKit
 * writes them, tied to their subject; only an attestation is called one, for Docker takes what is called so for one.
 */
export async function missingChildren(
  { manifest }: TaggedIndex,
  graph: ReferrerGraph,
  view: LayoutView,
): Promise<{ edges: ReferrerEdge[]; children: Descriptor[] }> {
  const listed = new Set(manifest.manifests.map((d) => d.digest));
  const subjects = [...listed];
  const edges: ReferrerEdge[] = [];
  const children: Descriptor[] = [];
  for (const subject of subjects) {
    const candidates = graph.of(subject).filter((e) => !listed.has(e.referrer.digest));
    const nodes = await view.nodes(candidates.map((e) => e.referrer));
    for (const [i, edge] of candidates.entries()) {
      const attests = isAttestation(manifestOf(nodes[i]));
      if (reasonAgainst(edge, manifestOf(nodes[i])) !== undefined) continue;
      const annotations = { [DOCKER_REFERENCE_DIGEST]: subject, ...(attests && { [DOCKER_REFERENCE_TYPE]: "attestation-manifest" }) };
      listed.add(edge.referrer.digest);
      subjects.push(edge.referrer.digest);
      edges.push(edge);
      children.push({ ...edge.referrer, annotations, platform: UNKNOWN });
    }
  }
  return { edges, children };
}

/** Why a link cannot be made by a child of an index at all. */
function reasonAgainst(edge: ReferrerEdge, manifest: Manifest | undefined): UnrepresentableLink["reason"] | undefined {
  if (!edge.verified || manifest === undefined) return "unverified";
  if (edge.legacy === true) return "legacy-type";
  // An index in an index is one more image to some readers, and more than others can copy.
  if (manifest.kind !== "image") return "no-form";
  return edge.link === "N" && !isAttestation(manifest) ? "no-subject" : undefined;
}

/** Why these links are in no index: for what they are, or for what they refer to. */
export async function inexpressibleInside(
  edges: readonly ReferrerEdge[],
  changes: readonly DigestChange[],
  view: LayoutView,
): Promise<UnrepresentableLink[]> {
  const nodes = await view.nodes(edges.map((e) => e.referrer));
  const moved = new Map(changes.map((c) => [c.from, c]));
  return edges.map((edge, i): UnrepresentableLink => {
    const change = moved.get(edge.subject);
    const loss = unrepresentableLink(edge, reasonAgainst(edge, manifestOf(nodes[i])) ?? "not-root");
    if (change === undefined) return loss;
    const message = `${loss.referrer} of ${loss.subject} does not cover ${change.tags.join(", ")}, which points to ${change.to} now`;
    return { ...loss, message };
  });
}
