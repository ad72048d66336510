import type { Digest } from "@ocilot/layout/spec";

/** Which manifests of a repository are looked at; with each come its referrers, those of its platforms, and those of all of these. */
export type RepositoryFocus =
  | { readonly all: true }
  | {
      readonly all?: false;
      /** One that the repository does not have is none of its tags, and no error. */
      readonly tags?: readonly string[];
      readonly digests?: readonly Digest[];
    };
