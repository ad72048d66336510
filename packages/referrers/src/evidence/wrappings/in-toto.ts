import { classOfMediaType, isInToto } from "../media-type-classes.js";
import { openEnvelopes } from "../open-layers.js";
import type { Wrapping } from "../wrapping.js";
import { claimOfPredicate, eachLayer } from "./claim.js";

const STATEMENT_TYPE = "application/vnd.in-toto+json";

/** In-toto statements or DSSE envelopes as the layers of an artifact. */
export const inToto: Wrapping = {
  id: "in-toto",
  title: "in-toto statement or DSSE envelope as a layer",
  made: [
    { kind: "sbom", by: "Docker Scout `attestation add`" },
    { kind: "provenance", by: "oras `attach`; regctl `artifact put`" },
    { kind: "vex", by: "Docker Scout `attestation add`" },
    { kind: "attestation", by: "cosign 2 with `COSIGN_EXPERIMENTAL` (referrers)" },
  ],
  matches: ({ kind, artifactType, layers }) =>
    kind === "image" &&
    ((artifactType !== undefined && isInToto(artifactType)) || (layers.length > 0 && layers.every((d) => isInToto(d.mediaType)))),
  classify: (manifest) =>
    eachLayer(manifest, (layer) => {
      const own = classOfMediaType(layer?.mediaType ?? STATEMENT_TYPE);
      return claimOfPredicate("in-toto", manifest, layer, own.kind === "other" ? classOfMediaType(manifest.artifactType!) : own);
    }),
  open: async (manifest, blobs, options) => await openEnvelopes(inToto.classify(manifest), blobs, options),
};
