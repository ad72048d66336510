import {
  type BlobReader,
  type Descriptor,
  type Digest,
  IMAGE_INDEX,
  MAX_MANIFEST_BYTES,
  bareDescriptor,
  editIndex,
  parseIndex,
} from "@ocilot/layout/web";
import { buildkit } from "../conventions/buildkit.js";
import type { Convention } from "../conventions/convention.js";
import { type DigestChange, type IndexChange, type Projection, projection } from "../records/projection.js";
import { SPARSE_PLATFORMS } from "../platform/sparse-platforms.js";
import type { ReferrerEdge } from "../graph/edge.js";
import { EdgeSet } from "../graph/edge-set.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { indexChildReferrers } from "../records/index-children.js";
import type { LayoutView, NewBlob } from "../view/layout-view.js";
import { type TaggedIndex, inexpressibleInside, missingChildren, taggedIndexes } from "./buildkit-children.js";

/**
 * `buildkit` as a target. An index with more children has another digest: a new index is written, with the text of the old one
 * and the referrers of its platforms after its children. The tags move to it; the old index stays listed, untagged.
 * @param allowed false to plan all of it and refuse it
 */
export function buildkitTarget(blobs: BlobReader, allowed: boolean): Convention {
  return { ...buildkit, project: async (graph, view) => await rewriteIndexes(graph, view, blobs, allowed) };
}

async function rewriteIndexes(graph: ReferrerGraph, view: LayoutView, reader: BlobReader, allowed: boolean): Promise<Projection> {
  const changes: IndexChange[] = [];
  const blobs: NewBlob[] = [];
  const refusals: string[] = [];
  const digestChanges: DigestChange[] = [];
  const inside = new EdgeSet((await indexChildReferrers(view)).edges);
  for (const index of await taggedIndexes(graph, view)) {
    const { edges, children } = await missingChildren(index, graph, view);
    for (const edge of edges) inside.add(edge);
    if (children.length === 0) continue;
    const blob = await withChildren(index.descriptor, children, reader, view);
    const change = changeOf(index, blob, graph);
    if (blob.descriptor.size > MAX_MANIFEST_BYTES)
      refusals.push(
        `the index with its referrers would be of ${blob.descriptor.size} bytes, and tools refuse more than ${MAX_MANIFEST_BYTES}`,
      );
    const holder = index.entries.find((e) => e.descriptor.data);
    if (holder !== undefined) refusals.push(`index.json entry ${holder.position} holds a copy of the old index in its member \`data\``);
    if (!allowed)
      refusals.push(`${change.tags.join(", ")} would move from ${change.from} to ${change.to}: allow it with --allow-digest-change`);
    blobs.push(blob);
    changes.push(...movesTo(blob.descriptor, index));
    digestChanges.push(change);
  }
  const outside = graph.edges().filter((e) => !inside.has(e));
  return { ...projection({ changes, blobs, refusals, losses: await inexpressibleInside(outside, digestChanges, view) }), digestChanges };
}

/** The text of the old index with more children behind those that it has; every other byte as it was. */
async function withChildren(old: Descriptor, children: readonly Descriptor[], reader: BlobReader, view: LayoutView): Promise<NewBlob> {
  const original = parseIndex(await reader.bytes(old, { maxBytes: MAX_MANIFEST_BYTES }), old.digest);
  const before = original.entries.length;
  const text = editIndex(
    original,
    children.map((descriptor) => ({ op: "insert", before, descriptor })),
  );
  return { text, descriptor: { mediaType: IMAGE_INDEX, digest: view.digestOf(text), size: new TextEncoder().encode(text).length } };
}

function movesTo({ digest, size }: Descriptor, { entries, isListedOtherwise, descriptor: old }: TaggedIndex): IndexChange[] {
  const moves = entries.map(({ position }): IndexChange => ({ op: "retarget", position, digest, size }));
  if (isListedOtherwise) return moves;
  // Which platforms are absent on purpose has to be known of the old index as well.
  const sparse = entries.map((e) => e.descriptor.annotations?.[SPARSE_PLATFORMS]).find((value) => value !== undefined);
  const descriptor = { ...bareDescriptor(old), ...(sparse !== undefined && { annotations: { [SPARSE_PLATFORMS]: sparse } }) };
  return [...moves, { op: "add", key: { rank: "foreign", subject: old.digest, digest: old.digest }, descriptor }];
}

function changeOf({ descriptor, entries }: TaggedIndex, blob: NewBlob, graph: ReferrerGraph): DigestChange {
  const signs = (e: ReferrerEdge): Digest[] => (e.link === "S" ? [e.referrer.digest] : []);
  return {
    from: descriptor.digest,
    to: blob.descriptor.digest,
    tags: [...new Set(entries.map((e) => e.tag!))],
    uncovered: graph.of(descriptor.digest).flatMap(signs),
  };
}
