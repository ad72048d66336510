import type { Descriptor, Manifest } from "@ocilot/layout/spec";
import { classOfMediaType, isInToto } from "../media-type-classes.js";
import { openDocuments } from "../open-layers.js";
import type { Classification, Statement, WrappingId } from "../statement.js";
import type { BlobPeek, OpenStatementsOptions } from "../wrapping.js";
import { annotatedPredicate } from "../predicate-annotations.js";
import { claim, claimOfPredicate, contentLayers } from "./claim.js";

/**
 * What an artifact with plain files says: one statement for each layer whose media type tells what it is; else one that the
 * artifact type names, with the first layer as its content.
 */
export function classifyPlain(wrapping: WrappingId, manifest: Manifest): readonly Classification[] {
  const layers = contentLayers(manifest);
  const known = layers.filter((d) => classOfMediaType(d.mediaType).kind !== "other");
  if (known.length > 0) return known.map((layer) => claimOfLayer(wrapping, manifest, layer));
  const found = claim(wrapping, classOfMediaType(manifest.artifactType ?? ""), layers[0]);
  const predicateType = annotatedPredicate(layers[0]?.annotations, manifest.annotations);
  return [predicateType === undefined ? found : { ...found, predicateType }];
}

function claimOfLayer(wrapping: WrappingId, manifest: Manifest, layer: Descriptor): Classification {
  const found = classOfMediaType(layer.mediaType);
  return isInToto(layer.mediaType) ? claimOfPredicate(wrapping, manifest, layer, found) : claim(wrapping, found, layer);
}

/** As {@link classifyPlain}, with a look at the content; where no media type tells, the layer that is of the named kind is taken. */
export async function openPlain(
  wrapping: WrappingId,
  manifest: Manifest,
  blobs: BlobPeek,
  options: OpenStatementsOptions,
): Promise<readonly Statement[]> {
  const claims = classifyPlain(wrapping, manifest);
  const [first] = claims;
  const layers = contentLayers(manifest);
  const isNamedByLayer = first?.layer !== undefined && classOfMediaType(first.layer.mediaType).kind !== "other";
  if (first === undefined || isNamedByLayer || layers.length < 2) return await openDocuments(claims, blobs, options);
  const tried = layers.slice(0, MAX_TRIED).map((layer): Classification => ({ wrapping, kind: "other", layer }));
  const known = (await openDocuments(tried, blobs, options)).filter((s) => s.format !== undefined);
  const named = known.filter((s) => s.kind === first.kind);
  const chosen = (named.length > 0 ? named : known).map((s): Classification => ({ ...first, layer: s.layer! }));
  return await openDocuments(chosen.length > 0 ? chosen : claims, blobs, options);
}

/** Layers of one artifact that are looked into where nothing tells which of them counts. */
const MAX_TRIED = 16;
