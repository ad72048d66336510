import type { Readable } from "node:stream";
import {
  type BlobExtent,
  type BlobListing,
  type BlobSource,
  type BlobStore,
  type Descriptor,
  type Digest,
  Layout,
  type OcilotError,
  memoryBackend,
} from "@ocilot/layout";
import { type RecordOptions, recordCopy } from "./record-copy.js";
import type { CopySelection } from "./select-copy.js";

/**
 * What a copy into an empty layout will be, planned and recorded to the last byte of `index.json`.
 * @throws OcilotError what recording a copy throws
 */
export async function stageCopy(source: Layout, selection: CopySelection, location: string, options: RecordOptions): Promise<Layout> {
  const { content, rewritten } = selection;
  const staged = stagedLayout(source, content, location);
  if (rewritten !== undefined) await staged.blobs.put(new TextEncoder().encode(rewritten.text), { expect: rewritten.descriptor });
  await recordCopy(selection, staged, options);
  return staged;
}

/**
 * A layout that stands nowhere yet: some blobs of another one, and in memory what is put into it. What is planned over it
 * sees what there will be, and nothing is copied before it is written out.
 */
function stagedLayout(source: Layout, content: readonly Descriptor[], location: string): Layout {
  const memory = memoryBackend();
  return new Layout({ ...memory, location, blobs: new StagedBlobs(source.blobs, memory.blobs, content) });
}

class StagedBlobs implements BlobStore {
  readonly #source: BlobStore;
  readonly #added: BlobStore;
  readonly #taken: Map<Digest, number>;

  constructor(source: BlobStore, added: BlobStore, content: readonly Descriptor[]) {
    this.#source = source;
    this.#added = added;
    this.#taken = new Map(content.map((d) => [d.digest, d.size]));
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#taken.has(digest) || (await this.#added.has(digest));
  }

  async size(digest: Digest): Promise<number | undefined> {
    return this.#taken.get(digest) ?? (await this.#added.size(digest));
  }

  async open(d: Descriptor): Promise<Readable> {
    return await this.#storeOf(d).open(d);
  }

  async extent(d: Descriptor): Promise<BlobExtent | undefined> {
    return await this.#storeOf(d).extent?.(d);
  }

  async bytes(d: Descriptor, options?: { maxBytes?: number }): Promise<Uint8Array> {
    return await this.#storeOf(d).bytes(d, options);
  }

  async bytesMany(ds: readonly Descriptor[], options?: { maxBytes?: number; signal?: AbortSignal }): Promise<(Uint8Array | OcilotError)[]> {
    const found = new Map<Descriptor, Uint8Array | OcilotError>();
    for (const store of [this.#source, this.#added]) {
      const mine = ds.filter((d) => this.#storeOf(d) === store);
      const read = mine.length === 0 ? [] : await store.bytesMany(mine, options);
      for (const [i, d] of mine.entries()) found.set(d, read[i]!);
    }
    return ds.map((d) => found.get(d)!);
  }

  async *list(): AsyncIterable<BlobListing> {
    for (const [digest, size] of this.#taken) yield { digest, size, modified: 0 };
    yield* this.#added.list();
  }

  /** What is taken from the source is there already. */
  async put(source: BlobSource, options?: { expect?: Descriptor; mediaType?: string; signal?: AbortSignal }): Promise<Descriptor> {
    if (options?.expect !== undefined && this.#taken.has(options.expect.digest)) return options.expect;
    return await this.#added.put(source, options);
  }

  async delete(digest: Digest): Promise<void> {
    this.#taken.delete(digest);
    await this.#added.delete(digest);
  }

  /** What is nowhere is asked of the memory, which says so. */
  #storeOf(d: Descriptor): BlobStore {
    return this.#taken.has(d.digest) ? this.#source : this.#added;
  }
}
