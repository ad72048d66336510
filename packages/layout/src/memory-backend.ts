import { Readable } from "node:stream";
import { isOcilotError, OcilotError } from "./errors.js";
import { algorithmOf, createHasher, digestOf } from "./hash.js";
import { type IndexEdit, editIndex } from "./index-edit.js";
import { type IndexSnapshot, parseIndex } from "./index-snapshot.js";
import { throwIfAborted } from "./io-error.js";
import type { Descriptor } from "./spec/descriptor.js";
import type { Algorithm, Digest } from "./spec/digest.js";
import type { BlobListing, BlobSource, BlobStore, IndexFile, LayoutBackend } from "./storage.js";
import { blobNotFound, checkBytes, sizeMismatch, tooLarge } from "./verified-stream.js";

const EMPTY_INDEX = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';

/** A layout in memory; made empty, or from the text of an `index.json` and blobs under whatever digests they claim. */
export function memoryBackend(index: string = EMPTY_INDEX, blobs: Iterable<readonly [Digest, Uint8Array]> = []): LayoutBackend {
  return {
    location: "memory",
    blobs: new MemoryBlobs(new Map(blobs)),
    index: new MemoryIndex(index),
    marker: new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}'),
  };
}

class MemoryBlobs implements BlobStore {
  readonly #blobs: Map<Digest, Uint8Array>;

  constructor(blobs: Map<Digest, Uint8Array>) {
    this.#blobs = blobs;
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#blobs.has(digest);
  }

  async size(digest: Digest): Promise<number | undefined> {
    return this.#blobs.get(digest)?.length;
  }

  async open(d: Descriptor): Promise<Readable> {
    return Readable.from([await this.bytes(d)]);
  }

  async bytes(d: Descriptor, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
    if (options.maxBytes !== undefined && d.size > options.maxBytes) throw tooLarge(d, options.maxBytes);
    const bytes = this.#blobs.get(d.digest);
    if (bytes === undefined) throw blobNotFound(d);
    if (bytes.length !== d.size) throw sizeMismatch(d, bytes.length);
    return checkBytes(d, bytes);
  }

  async bytesMany(ds: readonly Descriptor[], options: { maxBytes?: number } = {}): Promise<(Uint8Array | OcilotError)[]> {
    return await Promise.all(
      ds.map((d) =>
        this.bytes(d, options).catch((error: unknown) => {
          if (isOcilotError(error)) return error;
          throw error;
        }),
      ),
    );
  }

  async *list(): AsyncIterable<BlobListing> {
    for (const [digest, bytes] of this.#blobs) yield { digest, size: bytes.length, modified: 0 };
  }

  async put(
    source: BlobSource,
    options: { expect?: Descriptor; algorithm?: Algorithm; mediaType?: string; signal?: AbortSignal } = {},
  ): Promise<Descriptor> {
    const chunks: Uint8Array[] = [];
    const hasher = createHasher(options.expect === undefined ? (options.algorithm ?? "sha256") : algorithmOf(options.expect.digest));
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      throwIfAborted(options.signal);
      hasher.update(chunk);
      chunks.push(chunk);
    }
    const bytes = new Uint8Array(Buffer.concat(chunks));
    if (options.expect !== undefined) checkBytes(options.expect, bytes);
    const digest = hasher.digest();
    this.#blobs.set(digest, bytes);
    return { mediaType: options.mediaType ?? options.expect?.mediaType ?? "application/octet-stream", digest, size: bytes.length };
  }

  async delete(digest: Digest): Promise<void> {
    this.#blobs.delete(digest);
  }
}

class MemoryIndex implements IndexFile {
  #snapshot: IndexSnapshot;
  #last: Promise<unknown> = Promise.resolve();

  constructor(text: string) {
    this.#snapshot = snapshotOf(text);
  }

  async read(): Promise<IndexSnapshot> {
    return this.#snapshot;
  }

  /** One edit after the other, as the directory's lock does. */
  async update(edit: (base: IndexSnapshot) => readonly IndexEdit[] | Promise<readonly IndexEdit[]>): Promise<IndexSnapshot> {
    const turn = this.#last.then(async () => {
      this.#snapshot = snapshotOf(editIndex(this.#snapshot, await edit(this.#snapshot)));
      return this.#snapshot;
    });
    this.#last = turn.catch(() => undefined);
    return await turn;
  }
}

function snapshotOf(text: string): IndexSnapshot {
  const bytes = new TextEncoder().encode(text);
  return parseIndex(bytes, digestOf(bytes));
}
