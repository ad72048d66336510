import { type Descriptor, type Digest, OcilotError, isOcilotError } from "@ocilot/layout/spec";
import { type ReferrerEdge, edgeKey } from "../graph/edge.js";
import { type LayoutView, manifestOf } from "../view/layout-view.js";
import { classifyArtifactType, classifyListed, classifyManifest, openStatements } from "./classify.js";
import { peekInto } from "./peek-blobs.js";
import type { Classification, Statement } from "./statement.js";
import type { BlobContents, BlobPeek, OpenStatementsOptions } from "./wrapping.js";
import { contentLayers } from "./wrappings/claim.js";

/** Layers up to this size are read many at once; 64 KiB. */
const SMALL_BYTES = 64 * 1024;
/** Referrers whose small layers are read together. */
const SLICE = 128;

/**
 * What each referrer states, by its digest, as the manifests alone tell it; the view has read them already. A manifest that was not
 * opened is opened if the list does not tell of which kind it is.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { classifyReferrers, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const graph = await readGraph(view);
 * const edges = graph.of((await layout.resolve("v1")).digest);
 * for (const [digest, found] of await classifyReferrers(view, edges)) console.log(digest, found[0]?.kind);
 * ```
 */
export async function classifyReferrers(view: LayoutView, edges: readonly ReferrerEdge[]): Promise<Map<Digest, readonly Classification[]>> {
  const classified = new Map<Digest, readonly Classification[]>();
  const rest = edges.filter((edge) => {
    const told = edge.unopened === true ? classifyListed(edge) : undefined;
    if (told !== undefined) classified.set(edge.referrer.digest, told);
    return told === undefined;
  });
  const nodes = await view.nodes(rest.map((e) => e.referrer));
  for (let i = 0; i < rest.length; i++) {
    const edge = rest[i]!;
    if (classified.has(edge.referrer.digest)) continue;
    const manifest = manifestOf(nodes[i]);
    classified.set(edge.referrer.digest, manifest === undefined ? classifyArtifactType(edge.artifactType) : classifyManifest(manifest));
  }
  return classified;
}

/** What is needed to open many referrers: `Layout.blobs` is one. */
export interface ManyBlobs extends BlobContents {
  bytesMany(
    descriptors: readonly Descriptor[],
    options?: { maxBytes?: number; signal?: AbortSignal },
  ): Promise<(Uint8Array | OcilotError)[]>;
}

/** Limits for opening referrers. */
export interface OpenReferrersOptions extends Pick<OpenStatementsOptions, "maxBytes"> {
  readonly signal?: AbortSignal | undefined;
}

/**
 * What each referrer states, by its {@link edgeKey}, as the content tells it; each statement is compared with the subject of
 * its link. Referrers whose manifests cannot be read are left out.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { openReferrers, openView, readGraph } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const view = await openView(layout);
 * const edges = (await readGraph(view)).of(image.digest);
 * for (const statements of (await openReferrers(view, edges, layout.blobs)).values())
 *   for (const { kind, format } of statements) console.log(kind, format);
 * ```
 */
export async function openReferrers(
  view: LayoutView,
  edges: readonly ReferrerEdge[],
  blobs: ManyBlobs,
  options: OpenReferrersOptions = {},
): Promise<ReadonlyMap<string, readonly Statement[]>> {
  const { signal, ...limits } = options;
  const opened = new Map<string, readonly Statement[]>();
  for (let start = 0; start < edges.length; start += SLICE) {
    signal?.throwIfAborted();
    const slice = edges.slice(start, start + SLICE);
    const nodes = await view.nodes(slice.map((e) => e.referrer));
    const manifests = nodes.map(manifestOf);
    const peek = await smallBlobs(
      manifests.flatMap((m) => (m === undefined ? [] : contentLayers(m))),
      blobs,
      signal,
    );
    for (let i = 0; i < slice.length; i++) {
      const edge = slice[i]!;
      const manifest = manifests[i];
      if (manifest !== undefined) opened.set(edgeKey(edge), await openStatements(manifest, peek, { ...limits, subject: edge.subject }));
    }
  }
  return opened;
}

/** Small layers read at once, anything else when it is asked for. */
async function smallBlobs(layers: readonly Descriptor[], blobs: ManyBlobs, signal: AbortSignal | undefined): Promise<BlobPeek> {
  const small = new Map<Digest, Descriptor>();
  for (const layer of layers) if (layer.size <= SMALL_BYTES) small.set(layer.digest, layer);
  const read = await blobs.bytesMany([...small.values()], { maxBytes: SMALL_BYTES, ...(signal && { signal }) });
  const contents = new Map([...small.keys()].map((digest, i) => [digest, read[i]!]));
  for (const content of contents.values()) if (isOcilotError(content, "ABORTED")) throw content;
  const rest = peekInto(blobs);
  const known = (d: Descriptor): Uint8Array | OcilotError | undefined =>
    small.get(d.digest)?.size === d.size ? contents.get(d.digest) : undefined;
  return {
    bytes: async (d, maxBytes) => known(d) ?? (await rest.bytes(d, maxBytes)),
    head: async (d, maxBytes) => known(d) ?? (await rest.head(d, maxBytes)),
  };
}
