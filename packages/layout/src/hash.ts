import { type Hash, createHash, hash } from "node:crypto";
import { blake3 } from "@noble/hashes/blake3.js";
import { OcilotError } from "./errors.js";
import { type Algorithm, type Digest, isAlgorithm, splitDigest } from "./spec/digest.js";

/** An incremental digest: feed bytes with `update`, then take the digest once. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): Digest;
}

/** Starts a digest. Node computes all but blake3, which it lacks. */
export function createHasher(algorithm: Algorithm): Hasher {
  if (algorithm === "blake3") {
    const state = blake3.create();
    return { update: (bytes) => void state.update(bytes), digest: () => `blake3:${Buffer.from(state.digest()).toString("hex")}` as Digest };
  }
  const state: Hash = createHash(algorithm);
  return { update: (bytes) => void state.update(bytes), digest: () => `${algorithm}:${state.digest("hex")}` as Digest };
}

/** The digest of bytes at hand. */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm = "sha256"): Digest {
  if (algorithm !== "blake3") return `${algorithm}:${hash(algorithm, bytes, "hex")}` as Digest;
  const hasher = createHasher(algorithm);
  hasher.update(bytes);
  return hasher.digest();
}

/**
 * The algorithm to check a digest with.
 * @throws OcilotError `ALGORITHM_UNSUPPORTED`
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
