import type { Wrapping } from "../wrapping.js";
import { classifyPlain, openPlain } from "./plain-layers.js";

/** An artifact whose layers are the documents themselves: what every other form is not. */
export const layer: Wrapping = {
  id: "layer",
  title: "the document itself as a layer of an artifact",
  made: [
    { kind: "signature", by: "oras `attach`, regctl `artifact put` with a type of one's own" },
    { kind: "sbom", by: "oras `attach`; regctl `artifact put`; `trivy referrer put`; ocilot `attach`" },
    { kind: "vex", by: "oras `attach`; ocilot `attach`" },
    { kind: "vulnerability-report", by: "`trivy referrer put`; oras `attach`; ocilot `attach`" },
    { kind: "license", by: "oras `attach` with a type of one's own" },
    { kind: "source", by: "oras `attach` with a type of one's own" },
    { kind: "other", by: "anything else" },
  ],
  matches: () => true,
  classify: (manifest) => classifyPlain("layer", manifest),
  open: async (manifest, blobs, options) => await openPlain("layer", manifest, blobs, options),
};
