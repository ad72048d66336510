import { OcilotError } from "../errors.js";

/**
 * A checked digest, `algorithm:encoded`. Only {@link parseDigest} and {@link isDigest} make one, so a `Digest` is always safe as a file
 * path.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export type Digest = `${string}:${string}` & { readonly __digest: true };

/** The algorithms that image-spec registers. ocilot computes all of them. */
export type Algorithm = "sha256" | "sha384" | "sha512" | "blake3";

const HEX_LENGTH: Readonly<Record<Algorithm, number>> = { sha256: 64, sha384: 96, sha512: 128, blake3: 64 };
const GRAMMAR = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const LOWER_HEX = /^[0-9a-f]+$/;
const SHA256 = /^sha256:[0-9a-f]+$/;
/** The longest digest that is accepted: longer than any real one, shorter than the name limit of file systems. */
const MAX_LENGTH = 320;

/**
 * Returns true if `value` is a digest: by the grammar and, for a registered algorithm, in the form of that algorithm.
 * @example
 * ```ts
 * import { isDigest } from "@ocilot/layout";
 *
 * console.log(isDigest("sha256:abc")); // false: too short
 * ```
 */
export function isDigest(value: unknown): value is Digest {
  if (typeof value !== "string" || value.length > MAX_LENGTH) return false;
  if (value.length === 71 && value.startsWith("sha256:")) return SHA256.test(value);
  if (!GRAMMAR.test(value)) return false;
  const { algorithm, encoded } = splitDigest(value as Digest);
  const hexLength = isAlgorithm(algorithm) ? HEX_LENGTH[algorithm] : undefined;
  return hexLength === undefined ? encoded.length < 256 : encoded.length === hexLength && LOWER_HEX.test(encoded);
}

/**
 * Returns `value` as a digest.
 * @param path the JSON path of the value, for the error
 * @throws OcilotError `DIGEST_INVALID`
 * @example
 * ```ts
 * import { parseDigest } from "@ocilot/layout";
 *
 * const digest = parseDigest(process.argv[2]); // throws DIGEST_INVALID
 * console.log(digest);
 * ```
 */
export function parseDigest(value: unknown, path?: string): Digest {
  if (isDigest(value)) return value;
  // String() would call the `toString` of a hostile document, which need not be a function.
  const shown = typeof value === "string" ? value.slice(0, 100) : value === null ? "null" : typeof value;
  throw new OcilotError(
    "DIGEST_INVALID",
    `${path === undefined ? "" : `${path}: `}${typeof value === "string" ? JSON.stringify(shown) : shown} is not a digest`,
    path === undefined ? { value: shown } : { value: shown, path },
    { hint: "A digest looks like sha256: followed by 64 lower-case hex digits." },
  );
}

/**
 * Returns the algorithm and the encoded part of a digest.
 * @example
 * ```ts
 * import { digestOf, splitDigest } from "@ocilot/layout";
 *
 * const { algorithm, encoded } = splitDigest(digestOf(new Uint8Array()));
 * console.log(algorithm, encoded.length);
 * ```
 */
export function splitDigest(digest: Digest): { algorithm: string; encoded: string } {
  const colon = digest.indexOf(":");
  return { algorithm: digest.slice(0, colon), encoded: digest.slice(colon + 1) };
}

/**
 * Returns true if ocilot can compute digests of this algorithm.
 * @example
 * ```ts
 * import { isAlgorithm } from "@ocilot/layout";
 *
 * console.log(isAlgorithm("sha512"), isAlgorithm("md5")); // true false
 * ```
 */
export function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(HEX_LENGTH, name);
}

/**
 * Returns the path of a blob below the layout, with `/` on every platform.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md#blobs
 * @example
 * ```ts
 * import { blobPath, digestOf } from "@ocilot/layout";
 *
 * console.log(blobPath(digestOf(new Uint8Array()))); // blobs/sha256/e3b0c442…
 * ```
 */
export function blobPath(digest: Digest): string {
  const { algorithm, encoded } = splitDigest(digest);
  return `blobs/${algorithm}/${encoded}`;
}

const BLOB_NAME = /^blobs\/([^/]+)\/([^/]+)$/;

/**
 * Returns the digest whose {@link blobPath} is `path`, or undefined for the path of any other file.
 * @example
 * ```ts
 * import { blobDigest, blobPath, digestOf } from "@ocilot/layout";
 *
 * const digest = digestOf(new Uint8Array());
 * console.log(blobDigest(blobPath(digest)) === digest); // true
 * console.log(blobDigest("index.json")); // undefined
 * ```
 */
export function blobDigest(path: string): Digest | undefined {
  const [, algorithm, encoded] = BLOB_NAME.exec(path) ?? [];
  const digest = `${algorithm}:${encoded}`;
  return encoded !== undefined && isDigest(digest) ? digest : undefined;
}

/**
 * Compares digests by their bytes, as Go sorts strings.
 * @example
 * ```ts
 * import { compareDigests, Layout } from "@ocilot/layout";
 *
 * const { entries } = await (await Layout.open("./layout")).index.read();
 * console.log(entries.map((entry) => entry.descriptor.digest).toSorted(compareDigests));
 * ```
 */
export function compareDigests(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
