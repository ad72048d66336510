import { type Digest, splitDigest } from "@ocilot/layout/spec";

/** What cosign attaches under a tag, named as the tag's suffix names it. */
export type CosignForm = "sig" | "att" | "sbom";

/** A tag that is made of a digest and a suffix, perhaps behind a prefix or a full image name. */
export interface DigestTag {
  readonly algorithm: string;
  readonly encoded: string;
  readonly suffix: string;
  /** Undefined for a suffix that cosign does not have. */
  readonly form: CosignForm | undefined;
}

const PATTERN = /^.*?(sha256|sha384|sha512|blake3)-([0-9a-f]{64,128})\.([A-Za-z0-9][A-Za-z0-9._-]*)$/;
const FORMS: ReadonlySet<string> = new Set<CosignForm>(["sig", "att", "sbom"]);

/** Reads a tag of the form `[prefix]<algorithm>-<encoded>.<suffix>`; undefined for any other. */
export function parseDigestTag(tag: string): DigestTag | undefined {
  const match = PATTERN.exec(tag);
  if (match === null) return undefined;
  const suffix = match[3]!;
  return { algorithm: match[1]!, encoded: match[2]!, suffix, form: FORMS.has(suffix) ? (suffix as CosignForm) : undefined };
}

/**
 * The tag under which cosign looks for what it has attached to `subject`.
 * @see https://github.com/sigstore/cosign/blob/v2.4.1/specs/SIGNATURE_SPEC.md
 */
export function cosignTag(subject: Digest, form: CosignForm): string {
  const { algorithm, encoded } = splitDigest(subject);
  return `${algorithm}-${encoded}.${form}`;
}
