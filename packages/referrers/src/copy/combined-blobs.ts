import {
  type BlobExtent,
  type BlobListing,
  type BlobReader,
  type BlobSource,
  type BlobStore,
  type ContentStream,
  type ReadBytesOptions,
  type ReadOptions,
  type Descriptor,
  type Digest,
  type OcilotError,
  blobNotFound,
  memoryBackend,
} from "@ocilot/layout";

/** Which blob, and how many bytes it has. */
type Sized = Pick<Descriptor, "digest" | "size">;

/**
 * Some blobs of several stores, looked at as one store: each digest is read from the store it was added with. What is written is kept in
 * memory, and a blob that is deleted is only left out. Blobs that were only announced count as there, and cannot be read.
 */
export class CombinedBlobs implements BlobStore {
  readonly #stores: Map<Digest, BlobReader> = new Map();
  readonly #sizes: Map<Digest, number> = new Map();
  readonly #written: BlobStore = memoryBackend().blobs;

  /** Adds blobs of a store. What is known already stays where it is. */
  add(store: BlobReader, blobs: Iterable<Sized>): void {
    for (const { digest, size } of blobs) {
      if (this.#stores.has(digest)) continue;
      this.#stores.set(digest, store);
      this.#sizes.set(digest, size);
    }
  }

  /** Adds blobs that are elsewhere. */
  announce(blobs: Iterable<Sized>): void {
    for (const { digest, size } of blobs) if (!this.#sizes.has(digest)) this.#sizes.set(digest, size);
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#sizes.has(digest) || (await this.#written.has(digest));
  }

  async size(digest: Digest): Promise<number | undefined> {
    return this.#sizes.get(digest) ?? (await this.#written.size(digest));
  }

  async open(d: Descriptor, options?: ReadOptions): Promise<ContentStream> {
    return await this.#storeOf(d).open(d, options);
  }

  async extent(d: Descriptor): Promise<BlobExtent | undefined> {
    return await this.#storeOf(d).extent?.(d);
  }

  async bytes(d: Descriptor, options?: ReadBytesOptions): Promise<Uint8Array> {
    return await this.#storeOf(d).bytes(d, options);
  }

  async bytesMany(ds: readonly Descriptor[], options?: ReadBytesOptions): Promise<(Uint8Array | OcilotError)[]> {
    const found = new Map<Descriptor, Uint8Array | OcilotError>();
    const byStore = new Map<BlobReader, Descriptor[]>();
    for (const d of ds) {
      const store = this.#stores.get(d.digest) ?? this.#written;
      const group = byStore.get(store);
      if (group === undefined) byStore.set(store, [d]);
      else group.push(d);
    }
    for (const [store, group] of byStore) {
      const read = await store.bytesMany(group, options);
      for (const [i, d] of group.entries()) found.set(d, read[i]!);
    }
    return ds.map((d) => found.get(d)!);
  }

  async *list(): AsyncIterable<BlobListing> {
    for (const [digest, size] of this.#sizes) yield { digest, size, modified: 0 };
    for await (const blob of this.#written.list()) if (!this.#sizes.has(blob.digest)) yield blob;
  }

  async put(source: BlobSource, options?: { expect?: Descriptor; mediaType?: string; signal?: AbortSignal }): Promise<Descriptor> {
    if (options?.expect !== undefined && this.#stores.has(options.expect.digest)) return options.expect;
    return await this.#written.put(source, options);
  }

  async delete(digest: Digest): Promise<boolean> {
    const wasThere = this.#sizes.delete(digest);
    this.#stores.delete(digest);
    return (await this.#written.delete(digest)) || wasThere;
  }

  #storeOf(d: Descriptor): BlobReader {
    const store = this.#stores.get(d.digest);
    if (store === undefined && this.#sizes.has(d.digest)) throw blobNotFound(d);
    return store ?? this.#written;
  }
}
