import type { Descriptor } from "./descriptor.js";
import { EMPTY_JSON, type ManifestKind } from "./media-types.js";

/** The largest manifest that is read: 8 MiB, the limit of regclient. */
export const MAX_MANIFEST_BYTES: number = 8 * 1024 * 1024;
/** The size that oras and most registries accept at most, in bytes: 4 MiB, as distribution-spec asks of a registry. */
export const PORTABLE_MANIFEST_BYTES: number = 4 * 1024 * 1024;

/**
 * A manifest of any kind in one shape: links to other manifests are in `manifests`, links to plain blobs in `layers`.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface Manifest {
  readonly kind: ManifestKind;
  /** The manifest's `mediaType` member, or that of the descriptor if it has none. */
  readonly mediaType: string;
  /** Present only where the specification defines the field for this kind; absent on Docker manifests. */
  readonly subject?: Descriptor;
  /** The type by the rule of distribution-spec 1.1: the manifest's own, else for an image manifest the media type of its config. */
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  /** Top-level members that look like links and are not followed: those of early proposals, `subject` on a Docker manifest. */
  readonly ignored: readonly string[];
}

/**
 * Returns true if the artifact type is only the media type of the empty config: correct by the specification, and of no use to a reader.
 * @example
 * ```ts
 * import { hasEmptyArtifactType, Layout, parseManifest } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const manifest = parseManifest(await layout.blobs.bytes(image), image.mediaType, image.digest);
 * console.log(hasEmptyArtifactType(manifest)); // false for an image
 * ```
 */
export function hasEmptyArtifactType(m: Manifest): boolean {
  return m.artifactType === EMPTY_JSON;
}
