// Node's own SHA-2 on Node, Deno and Bun, JavaScript anywhere else: package.json, "imports".
import { createSha2, sha2Hex } from "#sha2";
import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { OcilotError } from "../errors.js";
import { type Algorithm, type Digest, isAlgorithm, splitDigest } from "../spec/digest.js";

/** Computes a digest incrementally: call `update` with the bytes, then `digest` once. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): Digest;
}

/**
 * Returns a hasher.
 * @example
 * ```ts
 * import { createHasher } from "@ocilot/layout";
 *
 * const hasher = createHasher("sha512");
 * for await (const chunk of process.stdin) hasher.update(chunk);
 * console.log(hasher.digest());
 * ```
 */
export function createHasher(algorithm: Algorithm): Hasher {
  if (algorithm === "blake3") {
    const state = blake3.create();
    return { update: (bytes) => void state.update(bytes), digest: () => `blake3:${bytesToHex(state.digest())}` as Digest };
  }
  const state = createSha2(algorithm);
  return { update: (bytes) => state.update(bytes), digest: () => `${algorithm}:${state.hex()}` as Digest };
}

/**
 * Returns the digest of bytes.
 * @example
 * ```ts
 * import { digestOf } from "@ocilot/layout";
 *
 * console.log(digestOf(new TextEncoder().encode("hello")), digestOf(new Uint8Array(), "sha512"));
 * ```
 */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm = "sha256"): Digest {
  return `${algorithm}:${encodedOf(bytes, algorithm)}` as Digest;
}

function encodedOf(bytes: Uint8Array, algorithm: Algorithm): string {
  return algorithm === "blake3" ? bytesToHex(blake3(bytes)) : sha2Hex(algorithm, bytes);
}

/**
 * Returns true if bytes have a digest, given in its two parts.
 * @internal For stores, which have split the digest already to find its file.
 */
export function hasDigest(bytes: Uint8Array, algorithm: Algorithm, encoded: string): boolean {
  return encodedOf(bytes, algorithm) === encoded;
}

/**
 * Returns the algorithm of a digest, if ocilot can compute it.
 * @throws OcilotError `ALGORITHM_UNSUPPORTED`
 * @example
 * ```ts
 * import { algorithmOf, digestOf } from "@ocilot/layout";
 *
 * console.log(algorithmOf(digestOf(new Uint8Array()))); // sha256
 * ```
 */
export function algorithmOf(digest: Digest): Algorithm {
  const { algorithm } = splitDigest(digest);
  if (isAlgorithm(algorithm)) return algorithm;
  throw new OcilotError(
    "ALGORITHM_UNSUPPORTED",
    `${digest}: ocilot cannot compute ${algorithm} digests`,
    { digest },
    {
      hint: "sha256, sha384, sha512 and blake3 can be checked.",
    },
  );
}
