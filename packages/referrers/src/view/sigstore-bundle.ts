import type { Manifest } from "@ocilot/layout/spec";

const BUNDLE = "application/vnd.dev.sigstore.bundle";

/** Tells whether a manifest is what cosign 3 writes for a signature or an attestation: a referrer with a Sigstore bundle as a layer. */
export function isSigstoreBundle(manifest: Manifest | undefined): boolean {
  return manifest?.kind === "image" && manifest.subject !== undefined && manifest.layers.some((l) => l.mediaType.startsWith(BUNDLE));
}
