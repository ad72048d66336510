import { matchesGlob } from "@ocilot/referrers";

/** Chooses among the referrers of an image. */
export const artifactTypeOption = {
  "artifact-type": {
    type: "string",
    placeholder: "TYPE",
    complete: "none",
    describe: "Only referrers of this artifact type; * and ? match any characters",
  },
} as const;

/** Returns a test for artifact types: everything where no pattern is given. */
export function typeFilter(pattern: string | undefined): (artifactType: string | undefined) => boolean {
  return (artifactType) => pattern === undefined || matchesGlob(artifactType ?? "", pattern);
}
