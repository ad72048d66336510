import { type BlobReader, type ContentStream, OCTET_STREAM } from "@ocilot/layout";
import type { BlobSize } from "./bundle-document.js";

/**
 * Reads a blob in slices, each from where the one before ended, so that all of them together read it once. Its digest is checked when the
 * last slice ends.
 */
export class BlobCursor {
  readonly #blobs: BlobReader;
  readonly #blob: BlobSize;
  #stream: ContentStream | undefined;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #rest: Uint8Array = new Uint8Array();
  #at = 0;

  constructor(blobs: BlobReader, blob: BlobSize) {
    this.#blobs = blobs;
    this.#blob = blob;
  }

  /** Returns `length` bytes from `offset` on. A slice before the last one begins anew. */
  async *take(offset: number, length: number): AsyncIterable<Uint8Array> {
    if (offset < this.#at) this.close();
    const end = offset + length;
    while (this.#at < end) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      if (this.#rest.length === 0) break;
      const skipped = Math.min(this.#rest.length, Math.max(0, offset - this.#at));
      const taken = this.#rest.subarray(skipped, Math.min(this.#rest.length, end - this.#at));
      this.#rest = this.#rest.subarray(skipped + taken.length);
      this.#at += skipped + taken.length;
      if (taken.length > 0) yield taken;
    }
    // The end of the stream is where the digest is compared.
    if (end === this.#blob.size) await this.#next();
  }

  close(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
    this.#chunks = undefined;
    this.#rest = new Uint8Array();
    this.#at = 0;
  }

  async #next(): Promise<Uint8Array> {
    if (this.#chunks === undefined) {
      const { digest, size } = this.#blob;
      this.#stream = await this.#blobs.open({ mediaType: OCTET_STREAM, digest, size });
      this.#chunks = this.#stream[Symbol.asyncIterator]();
    }
    const { value, done } = await this.#chunks.next();
    return done === true ? new Uint8Array() : value;
  }
}
