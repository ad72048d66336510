import { Readable } from "node:stream";
import type { OcilotError } from "../errors.js";
import { readMany } from "../read-many.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Digest } from "../spec/digest.js";
import type { BlobExtent, BlobListing, BlobStore } from "../storage.js";
import { blobNotFound, checkBytes, sizeMismatch, tooLarge, verifiedStream } from "../verified-stream.js";
import { refuseWrite } from "./archive-error.js";
import type { ArchiveFile } from "./archive-file.js";
import type { Extent } from "./members.js";

/** What is read at once; a larger blob is read as a stream or not at all. */
const MAX_BYTES = 2 ** 31 - 1;

/** The blobs of an archive; those that only the reader made of it are in memory. */
export class ArchiveBlobs implements BlobStore {
  readonly #file: ArchiveFile;
  readonly #blobs: ReadonlyMap<Digest, Extent | Uint8Array>;

  constructor(file: ArchiveFile, blobs: ReadonlyMap<Digest, Extent | Uint8Array>) {
    this.#file = file;
    this.#blobs = blobs;
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#blobs.has(digest);
  }

  async size(digest: Digest): Promise<number | undefined> {
    const found = this.#blobs.get(digest);
    return found === undefined ? undefined : sizeOf(found);
  }

  async open(d: Descriptor): Promise<Readable> {
    const check = verifiedStream(d);
    const found = this.#find(d);
    const content = found instanceof Uint8Array ? Readable.from([found]) : this.#file.stream(found.offset, found.size);
    content.on("error", (error) => check.destroy(error));
    check.on("close", () => content.destroy());
    return content.pipe(check);
  }

  async extent(d: Descriptor): Promise<BlobExtent | undefined> {
    const found = this.#find(d);
    return found instanceof Uint8Array ? undefined : this.#file.extent(found.offset, found.size);
  }

  async bytes(d: Descriptor, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    return this.#read(d, options.maxBytes);
  }

  async bytesMany(
    ds: readonly Descriptor[],
    options: { maxBytes?: number; signal?: AbortSignal } = {},
  ): Promise<(Uint8Array | OcilotError)[]> {
    return await readMany(ds, (d) => this.#read(d, options.maxBytes), options.signal);
  }

  async *list(): AsyncIterable<BlobListing> {
    for (const [digest, found] of this.#blobs) yield { digest, size: sizeOf(found), modified: 0 };
  }

  async put(): Promise<Descriptor> {
    return refuseWrite(this.#file.location);
  }

  async delete(): Promise<void> {
    refuseWrite(this.#file.location);
  }

  #read(d: Descriptor, maxBytes = MAX_BYTES): Uint8Array {
    const limit = Math.min(maxBytes, MAX_BYTES);
    if (d.size > limit) throw tooLarge(d, limit);
    const found = this.#find(d);
    return checkBytes(d, found instanceof Uint8Array ? found : this.#file.read(found.offset, found.size));
  }

  #find(d: Descriptor): Extent | Uint8Array {
    const found = this.#blobs.get(d.digest);
    if (found === undefined) throw blobNotFound(d);
    if (sizeOf(found) !== d.size) throw sizeMismatch(d, sizeOf(found));
    return found;
  }
}

function sizeOf(found: Extent | Uint8Array): number {
  return found instanceof Uint8Array ? found.length : found.size;
}
