import { type Descriptor, type Digest, type DockerImages, type Layout, MAX_MANIFEST_BYTES, manifestKind } from "@ocilot/layout/web";
import { describeBlobs } from "./describe-blobs.js";
import { type LayoutView, manifestOf } from "./layout-view.js";

/** The manifests of the images that Docker's files list. */
export interface DockerManifests {
  /** By config: what the entry of `index.json` names that leads to the image. */
  readonly listed: ReadonlyMap<Digest, Descriptor>;
  /** Manifests in `blobs/` of images to which no entry leads. */
  readonly unlisted: readonly Descriptor[];
  /** The same by config, one for each image. */
  readonly byConfig: ReadonlyMap<Digest, Descriptor>;
}

/**
 * Finds the manifests of the images that Docker's files list. The files name configs: an image's manifest is one with that config.
 * @example
 * ```ts
 * import { Layout, parseDockerImages } from "@ocilot/layout";
 * import { dockerManifests, openView } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const { byConfig } = await dockerManifests(layout, view, parseDockerImages(await layout.dockerDocuments()));
 * for (const [config, manifest] of byConfig) console.log(config, manifest.digest);
 * ```
 */
export async function dockerManifests(layout: Layout, view: LayoutView, docker: Pick<DockerImages, "images">): Promise<DockerManifests> {
  const { images } = docker;
  const configs = new Set(images.flatMap((image) => image.config ?? []));
  const listed = new Map<Digest, Descriptor>();
  const known = new Set<Digest>();
  const entries = new Map(view.entries.map((e) => [e.position, e.descriptor]));
  for (const { node, position } of await view.reach()) {
    known.add(node.descriptor.digest);
    const config = manifestOf(node)?.config?.digest;
    if (config !== undefined && configs.has(config) && !listed.has(config)) listed.set(config, entries.get(position)!);
  }
  for (const config of listed.keys()) configs.delete(config);
  if (configs.size === 0) return { listed, unlisted: [], byConfig: new Map() };
  const unknown: Digest[] = [];
  for await (const { digest, size } of layout.blobs.list({ skip: known }))
    if (!known.has(digest) && size <= MAX_MANIFEST_BYTES) unknown.push(digest);
  const manifests = (await describeBlobs(layout, unknown)).filter((d) => manifestKind(d.mediaType) !== undefined);
  const nodes = await view.nodes(manifests);
  const byConfig = new Map<Digest, Descriptor>();
  const unlisted: Descriptor[] = [];
  for (const [i, d] of manifests.entries()) {
    const config = manifestOf(nodes[i])?.config?.digest;
    if (config === undefined || !configs.has(config)) continue;
    unlisted.push(d);
    if (!byConfig.has(config)) byConfig.set(config, d);
  }
  return { listed, unlisted, byConfig };
}
