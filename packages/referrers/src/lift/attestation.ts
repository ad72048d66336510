import type { Manifest } from "@ocilot/layout/spec";

/** The artifact type of an attestation as BuildKit writes it since 0.32, or before with `oci-artifact=true`. */
export const ATTESTATION_TYPE = "application/vnd.docker.attestation.manifest.v1+json";

const IN_TOTO = /^application\/vnd\.in-toto(\+json|\..*\+dsse)$/;

/** Tells whether a manifest is what BuildKit calls an attestation: an image manifest whose layers are all in-toto statements. */
export function isAttestation(manifest: Manifest | undefined): boolean {
  return manifest?.kind === "image" && manifest.layers.length > 0 && manifest.layers.every((d) => IN_TOTO.test(d.mediaType));
}
