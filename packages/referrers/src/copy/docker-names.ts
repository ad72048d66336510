import {
  CONTAINERD_IMAGE_NAME,
  CONTAINERD_SUBJECT,
  DOCKER_MANIFEST_LIST,
  type Descriptor,
  IMAGE_INDEX,
  type IndexEdit,
  type IndexEntry,
  type IndexSnapshot,
  isImageTag,
  manifestKind,
  parseImageName,
} from "@ocilot/layout/web";

/** The repository of images of which a layout knows only a tag. */
export const DEFAULT_REPOSITORY = "localhost/image";

/**
 * Returns the edits that give every tagged image the full name that Docker, containerd and podman use. The tag itself is kept.
 * @param repository the repository for tags that are not full names
 */
export function nameImages({ entries }: IndexSnapshot, repository: string): IndexEdit[] {
  return entries.flatMap((entry): IndexEdit[] => {
    if (!isImageEntry(entry) || entry.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] !== undefined) return [];
    const name = fullName(entry.tag, repository);
    return name === undefined ? [] : [{ op: "annotate", position: entry.position, set: { [CONTAINERD_IMAGE_NAME]: name } }];
  });
}

/** Returns whether an entry may be an image to load: not a referrer, and not under a tag made of a digest (signatures, lists). */
export function isImageEntry({ descriptor, tag }: IndexEntry): boolean {
  if (manifestKind(descriptor.mediaType) === undefined) return false;
  if (descriptor.annotations?.[CONTAINERD_SUBJECT] !== undefined) return false;
  return tag === undefined || !isDigestTag(tag);
}

/** Returns whether a tag is made of a digest, as those of signatures and lists of referrers are. */
export function isDigestTag(tag: string): boolean {
  return /(?:^|:)(?:sha256|sha384|sha512|blake3)-[0-9a-f]{64}/.test(tag);
}

/** Returns whether a descriptor is of an image index. */
export function isIndex(d: Descriptor): boolean {
  return d.mediaType === IMAGE_INDEX || d.mediaType === DOCKER_MANIFEST_LIST;
}

function fullName(tag: string | undefined, repository: string): string | undefined {
  if (tag === undefined) return undefined;
  if (isImageTag(tag)) return `${repository}:${tag}`;
  const parsed = parseImageName(tag);
  return parsed && `${parsed.repository}:${parsed.tag ?? "latest"}`;
}
