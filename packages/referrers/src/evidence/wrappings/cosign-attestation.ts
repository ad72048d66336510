import { IMAGE_CONFIG } from "@ocilot/layout/spec";
import { classOfMediaType } from "../media-type-classes.js";
import { openEnvelopes } from "../open-layers.js";
import type { Wrapping } from "../wrapping.js";
import { claimOfPredicate, eachLayer } from "./claim.js";

const ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json";

/** Attestations of cosign as it makes them without bundles: each layer is a DSSE envelope, in an image of its own. */
export const cosignAttestation: Wrapping = {
  id: "cosign-attestation",
  title: "cosign attestation, one DSSE envelope per layer (tag `.att`)",
  made: [
    { kind: "sbom", by: "cosign 2 `attest --type spdxjson`, `--type cyclonedx`; Syft `attest` with cosign 2" },
    { kind: "provenance", by: "cosign 2 `attest --type slsaprovenance`" },
    { kind: "vex", by: "cosign 2 `attest --type openvex`" },
    { kind: "vulnerability-report", by: "cosign 2 `attest --type vuln`" },
    { kind: "attestation", by: "cosign 2 `attest` with a type of one's own" },
  ],
  matches: ({ config, layers }) =>
    config?.mediaType === IMAGE_CONFIG && layers.length > 0 && layers.every((d) => d.mediaType === ENVELOPE_TYPE),
  classify: (manifest) =>
    eachLayer(manifest, (layer) => claimOfPredicate("cosign-attestation", manifest, layer, classOfMediaType(ENVELOPE_TYPE))),
  open: async (manifest, blobs, options) => await openEnvelopes(cosignAttestation.classify(manifest), blobs, options),
};
