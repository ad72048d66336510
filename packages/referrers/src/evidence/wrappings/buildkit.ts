import { IMAGE_CONFIG, type Manifest } from "@ocilot/layout/spec";
import { isInToto } from "../media-type-classes.js";
import { openEnvelopes } from "../open-layers.js";
import type { StatementClass } from "../statement.js";
import type { Wrapping } from "../wrapping.js";
import { claimOfPredicate, eachLayer } from "./claim.js";

/** The artifact type of an attestation as BuildKit writes it since 0.32, or before with `oci-artifact=true`. */
export const ATTESTATION_TYPE = "application/vnd.docker.attestation.manifest.v1+json";

const STATEMENT: StatementClass = { kind: "attestation", format: "in-toto", encoding: "json" };

/**
 * Tells whether a manifest has the form of a BuildKit attestation: an image manifest whose layers are all in-toto
 * statements. cosign's envelopes have another media type.
 */
export function isAttestation(manifest: Manifest | undefined): boolean {
  return manifest?.kind === "image" && manifest.layers.length > 0 && manifest.layers.every((d) => isStatement(d.mediaType));
}

function isStatement(mediaType: string): boolean {
  return isInToto(mediaType) && !mediaType.startsWith("application/vnd.dsse");
}

/**
 * An attestation manifest of BuildKit, in either of its settings: as an image, or as an OCI artifact.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/docs/attestations/attestation-storage.md
 */
export const buildkit: Wrapping = {
  id: "buildkit",
  title: "BuildKit attestation manifest: one layer per in-toto statement",
  made: [
    { kind: "sbom", by: "BuildKit `--attest type=sbom` (Syft scanner)" },
    { kind: "provenance", by: "BuildKit `--attest type=provenance`" },
  ],
  matches: (manifest) =>
    manifest.kind === "image" &&
    (manifest.artifactType === ATTESTATION_TYPE || (manifest.config?.mediaType === IMAGE_CONFIG && isAttestation(manifest))),
  classify: (manifest) => eachLayer(manifest, (layer) => claimOfPredicate("buildkit", manifest, layer, STATEMENT)),
  open: async (manifest, blobs, options) => await openEnvelopes(buildkit.classify(manifest), blobs, options),
};
