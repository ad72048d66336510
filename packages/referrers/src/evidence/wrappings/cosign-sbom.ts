import { IMAGE_CONFIG } from "@ocilot/layout/spec";
import { classOfMediaType } from "../media-type-classes.js";
import { openDocuments } from "../open-layers.js";
import type { Wrapping } from "../wrapping.js";
import { claim, eachLayer } from "./claim.js";

/** cosign's for an SBOM that it attaches as a referrer. */
const SBOM_TYPE = "application/vnd.dev.cosign.artifact.sbom.v1+json";

/** An SBOM in an image of its own, as `cosign attach sbom` writes it. */
export const cosignSbom: Wrapping = {
  id: "cosign-sbom",
  title: "SBOM as the layer of an image (tag `.sbom`)",
  made: [{ kind: "sbom", by: "cosign 2 `attach sbom`" }],
  matches: ({ artifactType, config, layers }) =>
    artifactType === SBOM_TYPE ||
    (config?.mediaType === IMAGE_CONFIG && layers.length > 0 && layers.every((d) => classOfMediaType(d.mediaType).kind === "sbom")),
  classify: (manifest) =>
    eachLayer(manifest, (layer) => {
      const found = classOfMediaType(layer?.mediaType ?? "");
      return claim("cosign-sbom", found.kind === "other" ? { kind: "sbom" } : found, layer);
    }),
  open: async (manifest, blobs, options) => await openDocuments(cosignSbom.classify(manifest), blobs, options),
};
