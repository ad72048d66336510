import { isOcilotError, OcilotError } from "../errors.js";
import { embeddedData } from "../content/embedded-data.js";
import { type ContentStream, contentStream } from "../content/content-stream.js";
import { algorithmOf, createHasher, digestOf } from "../content/hash.js";
import { type IndexEdit, editedIndex } from "../spec/index-edit.js";
import { type IndexSnapshot, parseIndex } from "../spec/index-snapshot.js";
import { EMPTY_INDEX, MARKER_TEXT } from "../spec/layout-marker.js";
import { throwIfAborted } from "../abort.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Algorithm, Digest } from "../spec/digest.js";
import type { BlobListing, BlobSource, BlobStore, IndexFile, LayoutBackend, ReadBytesOptions, ReadOptions } from "../storage.js";
import { blobNotFound, checkBytes, sizeMismatch, tooLarge } from "../content/check-bytes.js";

/**
 * Returns a layout in memory: an empty one, or one of the text of `index.json` and of blobs under any digests, which are not checked.
 * @example
 * ```ts
 * import { Layout, memoryBackend } from "@ocilot/layout";
 *
 * const layout = new Layout(memoryBackend());
 * const blob = await layout.blobs.put(new TextEncoder().encode("hello"));
 * console.log(blob.digest);
 * ```
 */
export function memoryBackend(index: string = EMPTY_INDEX, blobs: Iterable<readonly [Digest, Uint8Array]> = []): LayoutBackend {
  const documents: Record<string, Uint8Array> = {};
  return {
    location: "memory",
    blobs: new MemoryBlobs(new Map(blobs)),
    index: new MemoryIndex(index),
    marker: MARKER_TEXT,
    dockerDocuments: async () => ({ ...documents }),
    putDockerDocument: async (file, bytes) => void (documents[file] = bytes),
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

  async open(d: Descriptor, options: ReadOptions = {}): Promise<ContentStream> {
    return contentStream([await this.bytes(d, options)], options.signal);
  }

  async bytes(d: Descriptor, options: ReadBytesOptions = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal);
    if (options.maxBytes !== undefined && d.size > options.maxBytes) throw tooLarge(d, options.maxBytes);
    const bytes = this.#blobs.get(d.digest) ?? embeddedData(d);
    if (bytes === undefined) throw blobNotFound(d);
    if (bytes.length !== d.size) throw sizeMismatch(d, bytes.length);
    return checkBytes(d, bytes);
  }

  async bytesMany(ds: readonly Descriptor[], options: ReadBytesOptions = {}): Promise<(Uint8Array | OcilotError)[]> {
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
    const bytes = concatBytes(chunks);
    if (options.expect !== undefined) checkBytes(options.expect, bytes);
    const digest = hasher.digest();
    this.#blobs.set(digest, bytes);
    return { mediaType: options.mediaType ?? options.expect?.mediaType ?? "application/octet-stream", digest, size: bytes.length };
  }

  async delete(digest: Digest): Promise<boolean> {
    return this.#blobs.delete(digest);
  }
}

function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
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

  /** Applies edits one after the other, as the lock of a directory does. */
  async update(edit: (base: IndexSnapshot) => readonly IndexEdit[] | Promise<readonly IndexEdit[]>): Promise<IndexSnapshot> {
    const turn = this.#last.then(async () => {
      const edited = editedIndex(this.#snapshot, await edit(this.#snapshot));
      const bytes = edited.encode();
      this.#snapshot = edited.snapshot(bytes, digestOf(bytes));
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
