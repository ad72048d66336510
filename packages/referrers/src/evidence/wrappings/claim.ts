import { type Descriptor, EMPTY_JSON, type Manifest } from "@ocilot/layout/spec";
import { classOfPredicate } from "../predicate-classes.js";
import { annotatedPredicate } from "../predicate-annotations.js";
import type { Classification, StatementClass, WrappingId } from "../statement.js";

/** The layers that hold something: the empty object stands for "no content". */
export function contentLayers(manifest: Manifest): readonly Descriptor[] {
  const { layers } = manifest;
  // Manifests without content share the list of their one empty layer.
  if (layers !== last?.layers) {
    const content = layers.some((d) => d.mediaType === EMPTY_JSON) ? layers.filter((d) => d.mediaType !== EMPTY_JSON) : layers;
    last = { layers, content };
  }
  return last.content;
}

let last: { readonly layers: readonly Descriptor[]; readonly content: readonly Descriptor[] } | undefined;

/** One classification for each layer, or a single one without a layer where there is none. */
export function eachLayer(manifest: Manifest, classify: (layer?: Descriptor) => Classification): readonly Classification[] {
  const layers = contentLayers(manifest);
  return layers.length === 0 ? [classify()] : layers.map((layer) => classify(layer));
}

/** A classification as its media type gives it. */
export function claim(wrapping: WrappingId, found: StatementClass, layer: Descriptor | undefined): Classification {
  return layer === undefined ? { wrapping, ...found } : { wrapping, ...found, layer };
}

/** A classification by the predicate type that annotations of the layer, else of the manifest, state; else `fallback`. */
export function claimOfPredicate(
  wrapping: WrappingId,
  manifest: Manifest,
  layer: Descriptor | undefined,
  fallback: StatementClass,
): Classification {
  const predicateType = annotatedPredicate(layer?.annotations, manifest.annotations);
  if (predicateType === undefined) return claim(wrapping, fallback, layer);
  return { ...claim(wrapping, classOfPredicate(predicateType), layer), predicateType };
}
