import { type Descriptor, type Digest, type Platform } from "@ocilot/layout/spec";
import type { ImagePlatforms, PlatformImage } from "./image-platforms.js";
import { formatPlatform } from "./parse-platform.js";

/** On a tag's entry: the platforms of its index that a copy took, comma-separated; the others are absent on purpose. */
export const SPARSE_PLATFORMS = "io.ocilot.platforms";

/** The platforms of an image index, and those that a copy takes. */
export interface PlatformShare {
  readonly images: readonly PlatformImage[];
  readonly kept: readonly string[];
}

/** Returns what a copy takes of the platforms of an image index; undefined where it has none. */
export function platformShare({ images }: ImagePlatforms, isTaken: (image: Descriptor) => boolean): PlatformShare | undefined {
  if (images.length === 0) return undefined;
  return { images, kept: [...new Set(images.filter((i) => isTaken(i.descriptor)).map((i) => formatPlatform(i.platform)))] };
}

/** Returns the value of {@link SPARSE_PLATFORMS} for the platforms in `kept`, or undefined where none is left out. */
export function sparseNote({ images }: PlatformShare, kept: ReadonlySet<string>): string | undefined {
  if (images.every((i) => kept.has(formatPlatform(i.platform)))) return undefined;
  return [...kept].toSorted().join(",");
}

/** Returns `images` and the artifacts about them. */
export function withArtifacts({ artifacts }: ImagePlatforms, images: Iterable<Digest>): Set<Digest> {
  const found = new Set(images);
  for (const [digest, about] of artifacts) if (about !== undefined && found.has(about)) found.add(digest);
  return found;
}

/** Returns whether one of the entries of an image index says that an earlier copy left out the platform. */
export function isLeftOut(platform: Platform | undefined, entries: readonly Descriptor[]): boolean {
  if (platform === undefined) return false;
  const { "os.version": _, ...unversioned } = platform;
  return entries.some((entry) => {
    const kept = entry.annotations?.[SPARSE_PLATFORMS]?.split(",");
    return kept !== undefined && !kept.includes(formatPlatform(platform)) && !kept.includes(formatPlatform(unversioned));
  });
}
