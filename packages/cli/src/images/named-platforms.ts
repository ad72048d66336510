import type { Descriptor, Digest, Layout } from "@ocilot/layout";
import { type LayoutView, type ReferrerGraph, formatPlatform, imagePlatforms, platformManifests } from "@ocilot/referrers";

/** A manifest of an image index, and what it is for. */
export interface NamedPlatform {
  readonly digest: Digest;
  readonly platform: string | undefined;
}

/** Returns the platforms of an image index with their names; none for anything else. */
export async function namedPlatforms(layout: Layout, view: LayoutView, graph: ReferrerGraph, root: Descriptor): Promise<NamedPlatform[]> {
  const { images } = await imagePlatforms(layout, view, root);
  const platforms = new Map(images.map((image) => [image.descriptor.digest, formatPlatform(image.platform)]));
  return (await platformManifests(view, graph, root)).map(({ digest }) => ({ digest, platform: platforms.get(digest) }));
}
