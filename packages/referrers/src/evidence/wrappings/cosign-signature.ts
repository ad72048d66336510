import { classOfMediaType } from "../media-type-classes.js";
import { openEnvelopes } from "../open-layers.js";
import type { Wrapping } from "../wrapping.js";
import { claim, eachLayer } from "./claim.js";

const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

/** Signatures of cosign as it makes them without bundles: each layer is what was signed, its annotations the signature. */
export const cosignSignature: Wrapping = {
  id: "cosign-signature",
  title: "cosign simple signing, one layer per signature (tag `.sig`)",
  made: [{ kind: "signature", by: "cosign 2 `sign`; cosign 3 `sign --new-bundle-format=false`" }],
  matches: ({ layers }) => layers.length > 0 && layers.every((d) => d.mediaType === PAYLOAD_TYPE),
  classify: (manifest) => eachLayer(manifest, (layer) => claim("cosign-signature", classOfMediaType(PAYLOAD_TYPE), layer)),
  open: async (manifest, blobs, options) => await openEnvelopes(cosignSignature.classify(manifest), blobs, options),
};
