import type { Digest } from "@ocilot/layout/spec";

/** Manifests that are kept; more are fetched again. */
const DEFAULT_BYTES = 64 << 20;

/** Manifests by digest; the least recently used are dropped first. The caller has checked what it adds. */
export class ManifestCache {
  readonly #bytes: Map<Digest, Uint8Array> = new Map();
  readonly #limit: number;
  #size = 0;

  /** @param limit bytes of all that are kept */
  constructor(limit: number = DEFAULT_BYTES) {
    this.#limit = limit;
  }

  get(digest: Digest): Uint8Array | undefined {
    const bytes = this.#bytes.get(digest);
    if (bytes === undefined) return undefined;
    this.#bytes.delete(digest);
    this.#bytes.set(digest, bytes);
    return bytes;
  }

  set(digest: Digest, bytes: Uint8Array): void {
    this.delete(digest);
    this.#bytes.set(digest, bytes);
    this.#size += bytes.length;
    for (const [oldest] of this.#bytes) {
      if (this.#size <= this.#limit || oldest === digest) break;
      this.delete(oldest);
    }
  }

  delete(digest: Digest): void {
    this.#size -= this.#bytes.get(digest)?.length ?? 0;
    this.#bytes.delete(digest);
  }
}
