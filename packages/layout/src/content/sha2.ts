import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** The algorithms that Node computes faster than JavaScript can. */
export type Sha2 = "sha256" | "sha384" | "sha512";

/** A hash that is computed piece by piece. */
export interface Sha2State {
  update(bytes: Uint8Array): void;
  /** Called once. */
  hex(): string;
}

const HASHES = { sha256, sha384, sha512 } as const;

/** Returns the state of a hash computation. */
export function createSha2(algorithm: Sha2): Sha2State {
  const state = HASHES[algorithm].create();
  return { update: (bytes) => void state.update(bytes), hex: () => bytesToHex(state.digest()) };
}

/** Returns the hash of bytes in hexadecimal digits. */
export function sha2Hex(algorithm: Sha2, bytes: Uint8Array): string {
  return bytesToHex(HASHES[algorithm](bytes));
}
