import type { Manifest } from "@ocilot/layout/spec";
import { classOfMediaType, isInToto } from "./media-type-classes.js";
import { contentLayers } from "./wrappings/claim.js";

/**
 * The artifact type that fits what a manifest holds, for one that has none of its own: the media type of its layers, where
 * they have one and it says what they are. Undefined where they say nothing, or not the same.
 */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  const types = new Set(contentLayers(manifest).map((d) => (isInToto(d.mediaType) ? "application/vnd.in-toto+json" : d.mediaType)));
  const [type] = types;
  return types.size === 1 && classOfMediaType(type!).kind !== "other" ? type : undefined;
}
