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
} from "@ocilot/layout";

/** The name before the colon, where a layout knows only a tag. */
export const DEFAULT_REPOSITORY = "localhost/image";

/**
 * Gives every tagged image the full name that Docker, containerd and podman know it by. The tag itself stays as it is.
 * @param repository what stands before the colon of a tag that is no full name
 */
export function nameImages({ entries }: IndexSnapshot, repository: string): IndexEdit[] {
  return entries.flatMap((entry): IndexEdit[] => {
    if (!isImageEntry(entry) || entry.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] !== undefined) return [];
    const name = fullName(entry.tag, repository);
    return name === undefined ? [] : [{ op: "annotate", position: entry.position, set: { [CONTAINERD_IMAGE_NAME]: name } }];
  });
}

/** What may be an image to load: no referrer, and not what tags by digest (signatures, lists) point to. */
export function isImageEntry({ descriptor, tag }: IndexEntry): boolean {
  if (manifestKind(descriptor.mediaType) === undefined) return false;
  if (descriptor.annotations?.[CONTAINERD_SUBJECT] !== undefined) return false;
  return tag === undefined || !isDigestTag(tag);
}

/** Tells whether a tag is made of a digest, as those of signatures and lists of referrers are. */
export function isDigestTag(tag: string): boolean {
  return /(?:^|:)(?:sha256|sha384|sha512|blake3)-[0-9a-f]{64}/.test(tag);
}

/** Tells whether a descriptor is of an image index, which has an image for each platform. */
export function isIndex(d: Descriptor): boolean {
  return d.mediaType === IMAGE_INDEX || d.mediaType === DOCKER_MANIFEST_LIST;
}

function fullName(tag: string | undefined, repository: string): string | undefined {
  if (tag === undefined) return undefined;
  if (isImageTag(tag)) return `${repository}:${tag}`;
  const parsed = parseImageName(tag);
  return parsed && `${parsed.repository}:${parsed.tag ?? "latest"}`;
}
