import type { Wrapping } from "../wrapping.js";
import { classifyPlain, openPlain } from "./plain-layers.js";

/** The artifact manifest of image-spec 1.1 rc1 and rc2. */
export const ociArtifact: Wrapping = {
  id: "oci-artifact",
  title: "OCI artifact manifest (withdrawn before image-spec 1.1)",
  made: [
    { kind: "signature", by: "notation 1.0 release candidates" },
    { kind: "sbom", by: "oras 0.16 `attach`" },
  ],
  matches: ({ kind }) => kind === "artifact",
  classify: (manifest) => classifyPlain("oci-artifact", manifest),
  open: async (manifest, blobs, options) => await openPlain("oci-artifact", manifest, blobs, options),
};

/** The artifact manifest of the ORAS project. */
export const orasArtifact: Wrapping = {
  id: "oras-artifact",
  title: "ORAS artifact manifest (frozen in 2023)",
  made: [
    { kind: "signature", by: "notation alpha releases" },
    { kind: "sbom", by: "oras 0.12 to 0.15 `attach`" },
  ],
  matches: ({ kind }) => kind === "oras-artifact",
  classify: (manifest) => classifyPlain("oras-artifact", manifest),
  open: async (manifest, blobs, options) => await openPlain("oras-artifact", manifest, blobs, options),
};
