/** `application/vnd.oci.image.manifest.v1+json` */
export const IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** `application/vnd.oci.image.index.v1+json` */
export const IMAGE_INDEX = "application/vnd.oci.image.index.v1+json";
/** The OCI artifact manifest of image-spec 1.1 rc1 and rc2, withdrawn before 1.1. */
export const ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json";
/** The artifact manifest of the ORAS project, frozen in 2023. */
export const ORAS_ARTIFACT_MANIFEST = "application/vnd.cncf.oras.artifact.manifest.v1+json";
/** The media type of an image manifest of Docker, schema 2. */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** The media type of Docker's image index. */
export const DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
/** The media type of the config of an image. */
export const IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json";
/** The empty JSON object of image-spec 1.1, two bytes. */
export const EMPTY_JSON = "application/vnd.oci.empty.v1+json";

/** The kind of a manifest, by its media type. */
export type ManifestKind = "image" | "index" | "artifact" | "oras-artifact" | "docker-image" | "docker-list";

const KINDS: ReadonlyMap<string, ManifestKind> = new Map([
  [IMAGE_MANIFEST, "image"],
  [IMAGE_INDEX, "index"],
  [ARTIFACT_MANIFEST, "artifact"],
  [ORAS_ARTIFACT_MANIFEST, "oras-artifact"],
  [DOCKER_MANIFEST, "docker-image"],
  [DOCKER_MANIFEST_LIST, "docker-list"],
]);

/**
 * Returns the kind of manifest that a media type names, or undefined for a plain blob.
 * @example
 * ```ts
 * import { manifestKind } from "@ocilot/layout";
 *
 * console.log(manifestKind("application/vnd.oci.image.index.v1+json"));
 * ```
 */
export function manifestKind(mediaType: string): ManifestKind | undefined {
  return KINDS.get(mediaType);
}
