import type { ContentGuess } from "./guess.js";
import { classOfMediaType } from "./media-type-classes.js";

/** Artifact types that are not the media type of the layer: the envelope is no artifact, what is in it is. */
const ARTIFACT_TYPES: ReadonlyMap<string, string> = new Map([
  ["application/vnd.dsse.envelope.v1+json", "application/vnd.in-toto+json"],
  ["application/jose+json", "application/vnd.cncf.notary.signature"],
  ["application/cose", "application/vnd.cncf.notary.signature"],
  ["application/vnd.dev.cosign.simplesigning.v1+json", "application/vnd.dev.cosign.artifact.sig.v1+json"],
]);

const OCTET_STREAM = "application/octet-stream";

/**
 * The artifact type under which tools look for a document; undefined where the format has none.
 * @example
 * ```ts
 * import { artifactTypeFor } from "@ocilot/referrers";
 *
 * console.log(artifactTypeFor({ mediaType: "application/spdx+json" })); // application/spdx+json
 * ```
 */
export function artifactTypeFor(guess: Pick<ContentGuess, "mediaType">): string | undefined {
  const { mediaType } = guess;
  return mediaType === undefined ? undefined : (ARTIFACT_TYPES.get(mediaType) ?? mediaType);
}

/**
 * The media type of a layer for which none is given: that of the artifact where it names a format and the layer is alone, else
 * that of the content, else that of the artifact where the layer is alone.
 * @example
 * ```ts
 * import { layerMediaType } from "@ocilot/referrers";
 *
 * console.log(layerMediaType("application/spdx+json", undefined, true)); // application/spdx+json
 * ```
 */
export function layerMediaType(artifactType: string, guess: Pick<ContentGuess, "mediaType"> | undefined, isAlone: boolean): string {
  const { format } = classOfMediaType(artifactType);
  const isDocument = format !== undefined && ![...ARTIFACT_TYPES.values()].includes(artifactType);
  if (isAlone && isDocument) return artifactType;
  return guess?.mediaType ?? (isAlone && !ARTIFACT_TYPES.has(artifactType) && format === undefined ? artifactType : OCTET_STREAM);
}
