import { Readable } from "node:stream";
import { throwIfAborted } from "../abort.js";
import type { OcilotError } from "../errors.js";
import { readMany } from "../content/read-many.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Digest } from "../spec/digest.js";
import type { BlobExtent } from "../mover/blob-extent.js";
import type { BlobStore, ReadBytesOptions, ReadOptions } from "../storage.js";
import { checkBytes, tooLarge } from "../content/check-bytes.js";
import { verifiedStream } from "../content/verified-stream.js";
import { ArchivedBlobs, MAX_BYTES } from "./archived-blobs.js";
import type { ArchiveFile } from "./archive-file.js";
import type { Extent } from "./members.js";

/** Reads the blobs of an archive. */
export class ArchiveBlobs extends ArchivedBlobs implements BlobStore {
  readonly #file: ArchiveFile;

  constructor(file: ArchiveFile, blobs: ReadonlyMap<Digest, Extent | Uint8Array>) {
    super(file.location, blobs);
    this.#file = file;
  }

  async open(d: Descriptor, { signal }: ReadOptions = {}): Promise<Readable> {
    throwIfAborted(signal);
    // First: a stream that nobody reads would listen to the signal for ever.
    const found = this.find(d);
    const check = verifiedStream(d, signal);
    const content = found instanceof Uint8Array ? Readable.from([found]) : this.#file.stream(found.offset, found.size);
    content.on("error", (error) => check.destroy(error));
    check.on("close", () => content.destroy());
    return content.pipe(check);
  }

  async extent(d: Descriptor): Promise<BlobExtent | undefined> {
    const found = this.find(d);
    return found instanceof Uint8Array ? undefined : this.#file.extent(found.offset, found.size);
  }

  async bytes(d: Descriptor, options: ReadBytesOptions = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal);
    return this.#read(d, options.maxBytes);
  }

  async bytesMany(ds: readonly Descriptor[], options: ReadBytesOptions = {}): Promise<(Uint8Array | OcilotError)[]> {
    return await readMany(ds, (d) => this.#read(d, options.maxBytes), options.signal);
  }

  #read(d: Descriptor, maxBytes = MAX_BYTES): Uint8Array {
    const limit = Math.min(maxBytes, MAX_BYTES);
    if (d.size > limit) throw tooLarge(d, limit);
    const found = this.find(d);
    return checkBytes(d, found instanceof Uint8Array ? found : this.#file.read(found.offset, found.size));
  }
}
