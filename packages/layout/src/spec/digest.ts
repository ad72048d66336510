import { OcilotError } from "../errors.js";

/**
 * A checked digest, `algorithm:encoded`. Only {@link parseDigest} and {@link isDigest} make one, so a `Digest` is
 * always safe to turn into a blob path.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export type Digest = `${string}:${string}` & { readonly __digest: true };

/** The algorithms that image-spec registers, which are also those that ocilot can compute. */
export type Algorithm = "sha256" | "sha384" | "sha512" | "blake3";

const HEX_LENGTH: Readonly<Record<Algorithm, number>> = { sha256: 64, sha384: 96, sha512: 128, blake3: 64 };
const GRAMMAR = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const LOWER_HEX = /^[0-9a-f]+$/;
/** Longer than any real digest, short enough for every file system's name limit. */
const MAX_LENGTH = 320;

/** Tells whether `value` is a digest by the grammar and, for a registered algorithm, of that algorithm's form. */
export function isDigest(value: unknown): value is Digest {
  if (typeof value !== "string" || value.length > MAX_LENGTH) return false;
  if (value.length === 71 && value.startsWith("sha256:")) return LOWER_HEX.test(value.slice(7));
  if (!GRAMMAR.test(value)) return false;
  const { algorithm, encoded } = splitDigest(value as Digest);
  const hexLength = isAlgorithm(algorithm) ? HEX_LENGTH[algorithm] : undefined;
  return hexLength === undefined ? encoded.length < 256 : encoded.length === hexLength && LOWER_HEX.test(encoded);
}

/**
 * Checks and brands a digest.
 * @param path where the value stands, for the error
 * @throws OcilotError `DIGEST_INVALID`
 */
export function parseDigest(value: unknown, path?: string): Digest {
  if (isDigest(value)) return value;
  // String() would run the `toString` of a hostile document, which need not be a function.
  const shown = typeof value === "string" ? value.slice(0, 100) : value === null ? "null" : typeof value;
  throw new OcilotError(
    "DIGEST_INVALID",
    `${path === undefined ? "" : `${path}: `}${typeof value === "string" ? JSON.stringify(shown) : shown} is not a digest`,
    path === undefined ? { value: shown } : { value: shown, path },
    { hint: "A digest looks like sha256: followed by 64 lower-case hex digits." },
  );
}

/** The two halves of a digest. */
export function splitDigest(digest: Digest): { algorithm: string; encoded: string } {
  const colon = digest.indexOf(":");
  return { algorithm: digest.slice(0, colon), encoded: digest.slice(colon + 1) };
}

/** Tells whether ocilot can compute digests of this algorithm. */
export function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(HEX_LENGTH, name);
}

/** Where image-layout puts the blob, with `/` on every platform. */
export function blobPath(digest: Digest): string {
  const { algorithm, encoded } = splitDigest(digest);
  return `blobs/${algorithm}/${encoded}`;
}

/** Orders digests bytewise, as Go sorts strings. */
export function compareDigests(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
