/** Chooses among the referrers of an image. */
export const artifactTypeOption = {
  "artifact-type": { type: "string", placeholder: "TYPE", describe: "Only referrers of this artifact type" },
} as const;
