import { type Digest, splitDigest } from "@ocilot/layout/spec";

/**
 * The tag under which a registry without the Referrers API keeps the list of a subject's referrers.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { referrersTag } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * console.log(referrersTag(image.digest)); // sha256-…, where a registry without the Referrers API keeps the list
 * ```
 */
export function referrersTag(subject: Digest): string {
  const { algorithm, encoded } = splitDigest(subject);
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`.replace(/[^A-Za-z0-9._-]/g, "-");
}

/** The tag as oras, containerd, crane and sigstore-js build it: never shortened. It differs for sha384 and sha512. */
export function untruncatedTag(subject: Digest): string {
  return subject.replace(":", "-");
}

const FORM = /(?:^|:)((sha256|sha384|sha512|blake3)-([0-9a-f]{64,128}))$/;

/**
 * Reads a tag that has the form of a referrers tag, alone or at the end of a full image name; undefined for any other.
 * Whether it really is one only the content under it can tell.
 */
export function parseReferrersTag(name: string): { tag: string; algorithm: string; encoded: string } | undefined {
  const match = FORM.exec(name);
  return match === null ? undefined : { tag: match[1]!, algorithm: match[2]!, encoded: match[3]! };
}

/** Tells whether `tag` (as {@link parseReferrersTag} gives it) may hold the list of `subject`. */
export function tagFits(tag: string, subject: Digest): boolean {
  return tag === referrersTag(subject) || tag === untruncatedTag(subject);
}
