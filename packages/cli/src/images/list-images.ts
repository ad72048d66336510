import { CONTAINERD_IMAGE_NAME, type Descriptor, type Digest, type Layout, type Platform } from "@ocilot/layout";
import {
  type LayoutView,
  type ReferrerGraph,
  contentSize,
  countReferrers,
  dockerOnlyImages,
  formatPlatform,
  imageEntries,
  imagePlatforms,
  manifestOf,
  manifestProblem,
  platformManifests,
  resolveReferrers,
} from "@ocilot/referrers";
import { countKinds } from "./kind-text.js";
import { isImageConfig } from "./image-config.js";
import type { ImageRow, PlatformRow } from "./image-rows.js";

/** What the images of a layout are read from. */
interface Source {
  readonly layout: Layout;
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
}

/**
 * Returns the images of a layout: what `index.json` lists, and what only Docker's `manifest.json` does. Lists of referrers,
 * referrers (tagged or not) and platforms of a listed image are no images.
 */
export async function listImages(layout: Layout, view: LayoutView, graph: ReferrerGraph): Promise<ImageRow[]> {
  const source: Source = { layout, view, graph };
  const rows: ImageRow[] = [];
  const configs = new Set<Digest>();
  for (const [digest, entries] of await imageEntries(view, graph)) {
    const { descriptor } = entries[0]!;
    const manifest = manifestOf((await view.nodes([descriptor]))[0]);
    const { images } = await imagePlatforms(layout, view, descriptor);
    const platforms = new Map(images.map((image) => [image.descriptor.digest, image.platform]));
    const children = await platformManifests(view, graph, descriptor);
    for (const node of await view.nodes([descriptor, ...children])) {
      const config = manifestOf(node)?.config;
      if (config !== undefined) configs.add(config.digest);
    }
    const artifactType = manifest?.artifactType ?? descriptor.artifactType;
    const isArtifact = artifactType !== undefined && !isImageConfig(artifactType);
    rows.push({
      ...(await rowOf(source, descriptor, platforms.get(digest))),
      tags: entries.flatMap((e) => e.tag ?? []),
      names: [...new Set(entries.flatMap((e) => e.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] ?? []))],
      ...(isArtifact && { artifactType }),
      platforms: await Promise.all(children.map((child) => rowOf(source, child, platforms.get(child.digest) ?? child.platform))),
    });
  }
  for (const image of await dockerOnlyImages(layout, configs)) {
    rows.push({ ...image, present: image.problem === undefined, referrers: 0, kinds: {}, tags: [], platforms: [] });
  }
  return rows;
}

async function rowOf({ layout, view, graph }: Source, d: Descriptor, platform: Platform | undefined): Promise<PlatformRow> {
  const edges = graph.of(d.digest);
  const statements = await resolveReferrers(view, edges, layout.blobs);
  const problem = await manifestProblem(view, d);
  return {
    digest: d.digest,
    mediaType: d.mediaType,
    ...(platform !== undefined && { platform: formatPlatform(platform) }),
    size: await contentSize(view, d),
    present: problem === undefined,
    ...(problem !== undefined && { problem }),
    referrers: countReferrers(edges),
    kinds: countKinds([...statements.values()].flat()),
  };
}
