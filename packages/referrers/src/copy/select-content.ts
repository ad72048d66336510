import { type Descriptor, type Digest, type Layout, type Manifest, OcilotError, compareDigests, isOcilotError } from "@ocilot/layout/web";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { omittedChildren } from "../platform/omitted-children.js";
import { findLists } from "../records/referrer-lists.js";
import { embeddedContent } from "../view/embedded-content.js";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";
import { unreadableMessage } from "../view/unreadable.js";
import type { Closure } from "./closure.js";

/** A blob that is not in the source, but that a descriptor of it embeds. */
export interface EmbeddedBlob {
  readonly descriptor: Descriptor;
  readonly data: Uint8Array;
}

/** What belongs to a copy, by where it comes from. */
export interface ContentSources {
  /** Blobs and manifests of the source: layers first, manifests last. */
  readonly content: readonly Descriptor[];
  readonly embedded: readonly EmbeddedBlob[];
  /** Layers that are not distributed with the image: their descriptors name URLs. */
  readonly undistributed: readonly Descriptor[];
  /** Children of image indexes that are missing in the source by design. */
  readonly absent: readonly Descriptor[];
  /** What the source lacks. */
  readonly missing: readonly Descriptor[];
}

export interface ContentOptions {
  /** Images that were requested: they are never missing by design. */
  readonly wanted: ReadonlySet<Digest>;
  /** Nothing is missing by design. */
  readonly requireComplete: boolean;
}

/**
 * Sorts the content of a closure by whether the source has it.
 * @throws OcilotError the error of a corrupt manifest
 */
export async function selectContent(
  source: Layout,
  view: LayoutView,
  graph: ReferrerGraph,
  closure: Closure,
  options: ContentOptions,
): Promise<ContentSources> {
  const absent = await absentByDesign(view, graph, closure, options);
  const missing: Descriptor[] = closure.unreadable.flatMap(({ descriptor }) => (absent.has(descriptor.digest) ? [] : descriptor));
  const [content, undistributed, embedded]: [Descriptor[], Descriptor[], EmbeddedBlob[]] = [[], [], []];
  for (const d of closure.blobs.values()) {
    const data = (await source.blobs.has(d.digest)) ? true : embeddedContent(d);
    if (data === true) content.push(d);
    else if (data !== undefined) embedded.push({ descriptor: d, data });
    else if (d.urls?.length) undistributed.push(d);
    else missing.push(d);
  }
  const manifests = [...closure.manifests.values()].map((n) => n.descriptor).toReversed();
  return {
    content: [...content, ...manifests],
    embedded,
    undistributed,
    absent: closure.unreadable.map((u) => u.descriptor).filter((d) => absent.has(d.digest)),
    missing: missing.toSorted((a, b) => compareDigests(a.digest, b.digest)),
  };
}

/** What to do about content that is as its author made it; for anything else its error says that. */
function cannotCopy(node: Extract<ManifestNode, { state: "damaged" }>): OcilotError {
  const { error } = node;
  if (!isOcilotError(error, "DOCUMENT_INVALID", "DESCRIPTOR_INVALID", "DIGEST_INVALID")) return error;
  const hint = "Nothing was copied. Copy each other image by itself: ocilot copy LAYOUT:TAG TARGET";
  return new OcilotError(error.code, unreadableMessage(node), error.details, { cause: error, hint });
}

async function absentByDesign(
  view: LayoutView,
  graph: ReferrerGraph,
  { manifests, unreadable }: Closure,
  { wanted, requireComplete }: ContentOptions,
): Promise<ReadonlySet<Digest>> {
  for (const { node } of unreadable) if (node.state === "damaged") throw cannotCopy(node);
  if (requireComplete || unreadable.length === 0) return new Set();
  const present = new Map<Digest, Manifest>([...manifests].map(([digest, node]) => [digest, manifestOf(node)!]));
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.descriptor.digest));
  const omitted = omittedChildren(unreadable, { manifests: present, graph, lists });
  return new Set([...omitted.keys()].filter((digest) => !wanted.has(digest)));
}
