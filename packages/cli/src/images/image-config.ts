import { IMAGE_CONFIG } from "@ocilot/layout/spec";

const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";

/** Tells whether a config's media type makes the manifest an image rather than an artifact. */
export function isImageConfig(mediaType: string): boolean {
  return mediaType === IMAGE_CONFIG || mediaType === DOCKER_CONFIG;
}
