import { classOfMediaType, isSigstoreBundle } from "../media-type-classes.js";
import { openEnvelopes } from "../open-layers.js";
import { classOfPredicate } from "../predicate-classes.js";
import type { Wrapping } from "../wrapping.js";
import { claim, claimOfPredicate, eachLayer } from "./claim.js";

/** A sigstore bundle as a referrer, with its predicate type in an annotation of the manifest. */
export const sigstoreBundle: Wrapping = {
  id: "sigstore-bundle",
  title: "sigstore bundle, one layer",
  made: [
    { kind: "signature", by: "cosign 3 `sign`" },
    { kind: "sbom", by: "cosign 3 `attest --type spdxjson`, `--type cyclonedx`; Syft `attest` with cosign 3" },
    { kind: "provenance", by: "cosign 3 `attest --type slsaprovenance1`; GitHub `attest-build-provenance`" },
    { kind: "vex", by: "cosign 3 `attest --type openvex`" },
    { kind: "vulnerability-report", by: "cosign 3 `attest --type vuln`" },
    { kind: "attestation", by: "cosign 3 `attest` with a type of one's own" },
  ],
  matches: ({ artifactType, layers }) => isSigstoreBundle(artifactType) || layers.some((d) => isSigstoreBundle(d.mediaType)),
  classify: (manifest) =>
    eachLayer(manifest, (layer) => {
      const bundle = classOfMediaType(layer?.mediaType ?? manifest.artifactType!);
      const found = claimOfPredicate("sigstore-bundle", manifest, layer, bundle);
      const isSignature = found.predicateType !== undefined && classOfPredicate(found.predicateType).kind === "signature";
      return isSignature ? { ...claim("sigstore-bundle", bundle, layer), predicateType: found.predicateType! } : found;
    }),
  open: async (manifest, blobs, options) => await openEnvelopes(sigstoreBundle.classify(manifest), blobs, options),
};
