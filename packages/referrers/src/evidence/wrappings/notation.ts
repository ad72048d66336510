import { classOfMediaType } from "../media-type-classes.js";
import { openEnvelopes } from "../open-layers.js";
import type { Wrapping } from "../wrapping.js";
import { claim, eachLayer } from "./claim.js";

const SIGNATURE_TYPE = "application/vnd.cncf.notary.signature";

/**
 * A signature of notation: JWS or COSE, told by the media type of the layer.
 * @see https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md
 */
export const notation: Wrapping = {
  id: "notation",
  title: "Notary Project signature, JWS or COSE",
  made: [{ kind: "signature", by: "notation `sign`, `sign --signature-format cose`" }],
  matches: ({ artifactType }) => artifactType === SIGNATURE_TYPE,
  classify: (manifest) =>
    eachLayer(manifest, (layer) => {
      const found = classOfMediaType(layer?.mediaType ?? SIGNATURE_TYPE);
      return claim("notation", found.kind === "signature" ? found : { kind: "signature" }, layer);
    }),
  open: async (manifest, blobs, options) => await openEnvelopes(notation.classify(manifest), blobs, options),
};
