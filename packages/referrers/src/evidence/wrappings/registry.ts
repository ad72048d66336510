import type { Manifest } from "@ocilot/layout/spec";
import type { Wrapping } from "../wrapping.js";
import { buildkit } from "./buildkit.js";
import { cosignAttestation } from "./cosign-attestation.js";
import { cosignSbom } from "./cosign-sbom.js";
import { cosignSignature } from "./cosign-signature.js";
import { inToto } from "./in-toto.js";
import { indexManifest } from "./index-manifest.js";
import { layer } from "./layer.js";
import { ociArtifact, orasArtifact } from "./legacy-artifacts.js";
import { notation } from "./notation.js";
import { sigstoreBundle } from "./sigstore-bundle.js";

/** Every wrapping; the first that matches a manifest is taken, and the last matches all. */
export const WRAPPINGS: readonly Wrapping[] = [
  indexManifest,
  ociArtifact,
  orasArtifact,
  buildkit,
  sigstoreBundle,
  notation,
  cosignSignature,
  cosignAttestation,
  cosignSbom,
  inToto,
  layer,
];

/**
 * The wrapping that a manifest has.
 * @example
 * ```ts
 * import { Layout, parseManifest } from "@ocilot/layout";
 * import { wrappingOf } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const manifest = parseManifest(await layout.blobs.bytes(image), image.mediaType, image.digest);
 * console.log(wrappingOf(manifest).id);
 * ```
 */
export function wrappingOf(manifest: Manifest): Wrapping {
  const { kind, artifactType, config, layers } = manifest;
  const layerType = layers[0]?.mediaType;
  const isAsBefore = last?.kind === kind && last.artifactType === artifactType && last.configType === config?.mediaType;
  if (isAsBefore && layers.length < 2 && last?.layerType === layerType) return last!.wrapping;
  const wrapping = WRAPPINGS.find((w) => w.matches(manifest))!;
  if (layers.length < 2) last = { kind, artifactType, configType: config?.mediaType, layerType, wrapping };
  return wrapping;
}

/** What {@link Wrapping.matches} goes by of the manifest that was asked about last: one after the other is of the same form. */
let last:
  | {
      readonly kind: Manifest["kind"];
      readonly artifactType: string | undefined;
      readonly configType: string | undefined;
      readonly layerType: string | undefined;
      readonly wrapping: Wrapping;
    }
  | undefined;
