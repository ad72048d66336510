import { CONTAINERD_IMAGE_NAME, type Descriptor, type Digest, type IndexEntry } from "@ocilot/layout";
import { type LayoutView, type ReferrerGraph, imageEntries } from "@ocilot/referrers";
import { splitFullName } from "../repositories/repository-name.js";

/** Returns the digest that a tag of the repository names, by tag. */
export type TagsOf = (entries: readonly IndexEntry[]) => ReadonlyMap<string, Digest>;

/** An image and the tags under which it is shown. */
export interface VisibleImage {
  readonly descriptor: Descriptor;
  readonly tags: readonly string[];
}

/**
 * Returns the images of a layout, or with `tagsOf` those of one repository in it: images whose names are all of other repositories are
 * left out, because who asks may have no right to those. Tagged platforms of an image index are images too.
 */
export async function visibleImages(view: LayoutView, graph: ReferrerGraph, tagsOf: TagsOf | undefined): Promise<VisibleImage[]> {
  const tags = new Map<Digest, string[]>();
  const add = (tag: string, digest: Digest): void => void tags.set(digest, [...(tags.get(digest) ?? []), tag]);
  if (tagsOf === undefined) for (const { tag, descriptor } of view.entries) if (tag !== undefined) add(tag, descriptor.digest);
  if (tagsOf !== undefined) for (const [tag, digest] of tagsOf(view.entries)) add(tag, digest);
  const named = new Set(view.entries.flatMap((e) => (hasFullName(e) ? e.descriptor.digest : [])));
  const images: VisibleImage[] = [];
  for (const [digest, [entry]] of await imageEntries(view, graph)) {
    const own = tags.get(digest) ?? [];
    if (tagsOf !== undefined && own.length === 0 && named.has(digest)) continue;
    images.push({ descriptor: entry!.descriptor, tags: [...new Set(own)].toSorted() });
  }
  return images;
}

function hasFullName({ tag, descriptor }: IndexEntry): boolean {
  return [tag, descriptor.annotations?.[CONTAINERD_IMAGE_NAME]].some((name) => name !== undefined && splitFullName(name) !== undefined);
}
