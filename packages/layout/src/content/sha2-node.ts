import { createHash, hash } from "node:crypto";
import type { Sha2, Sha2State } from "./sha2.js";

/** Returns the state of a hash computation. */
export function createSha2(algorithm: Sha2): Sha2State {
  const state = createHash(algorithm);
  return { update: (bytes) => void state.update(bytes), hex: () => state.digest("hex") };
}

/** Returns the hash of bytes in hexadecimal digits. */
export function sha2Hex(algorithm: Sha2, bytes: Uint8Array): string {
  return hash(algorithm, bytes, "hex");
}
