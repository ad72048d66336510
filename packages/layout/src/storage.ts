import type { Readable } from "node:stream";
import type { BlobMover } from "./blob-mover.js";
import type { OcilotError } from "./errors.js";
import type { IndexEdit } from "./index-edit.js";
import type { IndexSnapshot } from "./index-snapshot.js";
import type { Descriptor } from "./spec/descriptor.js";
import type { Algorithm, Digest } from "./spec/digest.js";

/** Content on its way into a layout. */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>;

/** Reads blobs; everything that comes out has been checked against the descriptor's size and digest. */
export interface BlobReader {
  /** Tells whether a blob of that name is there; its content is not looked at. */
  has(digest: Digest): Promise<boolean>;
  /** The size in bytes of the blob of that name, or undefined if it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * A stream of the content. It fails at its end with `BLOB_CORRUPT` if the digest is not right.
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `ALGORITHM_UNSUPPORTED`
   */
  open(descriptor: Descriptor): Promise<Readable>;
  /** @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED`, `ALGORITHM_UNSUPPORTED` */
  bytes(descriptor: Descriptor, options?: { maxBytes?: number }): Promise<Uint8Array>;
  /** Many small blobs at once, in the order asked; what cannot be read is its error. */
  bytesMany(
    descriptors: readonly Descriptor[],
    options?: { maxBytes?: number; signal?: AbortSignal },
  ): Promise<(Uint8Array | OcilotError)[]>;
  /** Where a blob of that size stands as a file, for whoever can share it; its content is not looked at. */
  file?(descriptor: Descriptor): Promise<string | undefined>;
  /**
   * Where a blob of that size lies in an open file, for whoever moves or hashes it in one pass; its content is not looked at.
   * Undefined where it lies in none.
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `LINK_OUTSIDE`, `IO_ERROR`
   */
  extent?(descriptor: Descriptor): Promise<BlobExtent | undefined>;
  /** Every file of `blobs/` whose name is a digest, in no order. */
  list(): AsyncIterable<BlobListing>;
}

/** Bytes of an open file. Whoever asked for them closes it, and reads from positions only: others may read there too. */
export interface BlobExtent {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
  /** Nothing may come behind them. */
  readonly isWholeFile: boolean;
  close(): void;
}

/** A blob as a listing shows it; `modified` is when it was last stored or asked to be, in milliseconds since 1970. */
export interface BlobListing {
  readonly digest: Digest;
  readonly size: number;
  readonly modified: number;
}

/** Writes blobs. A blob bears its name only once it is whole. */
export interface BlobWriter {
  /**
   * Stores content under its digest. What is there already under that digest is not written again.
   * @param options `expect`: refuse anything but this content; `mediaType`: for the descriptor that is returned
   * @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH`, `ALGORITHM_UNSUPPORTED`, `WRITE_REFUSED`, `LINK_OUTSIDE`, `ABORTED`,
   * `IO_ERROR`, and what the source throws
   */
  put(
    source: BlobSource,
    options?: { expect?: Descriptor; algorithm?: Algorithm; mediaType?: string; signal?: AbortSignal },
  ): Promise<Descriptor>;
  /**
   * Stores many small blobs at once, of which the bytes have been checked already. Each bears its name only when it is whole,
   * and where writes are synced, none before all are on the disk.
   */
  putMany?(
    blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[],
    options?: { signal?: AbortSignal },
  ): Promise<void>;
  /**
   * Stores the content of a file without writing it again, where the file system can share it; it is checked all the same.
   * With `link` the blob is that very file, and its content is not checked.
   * @returns false where it cannot, and then nothing was stored
   */
  putFile?(file: string, descriptor: Descriptor, options: { link: boolean; mover: BlobMover }): Promise<boolean>;
  /**
   * Stores what lies in an open file, checked against the descriptor as it is written.
   * @param options `onBytes` is told of bytes that have been written
   * @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH`, `ALGORITHM_UNSUPPORTED`, `WRITE_REFUSED`, `LINK_OUTSIDE`, `ABORTED`, `IO_ERROR`
   */
  putExtent?(extent: BlobExtent, descriptor: Descriptor, options: { mover: BlobMover; onBytes?: (n: number) => void }): Promise<void>;
  /** Notes that a blob which is there already will be relied on: whoever wrote it may not have made its name durable. */
  keep?(digest: Digest): void;
  /** Removes a blob; one that is not there is no error. With `before` only if it was stored before that time. */
  delete(digest: Digest, options?: { before?: number }): Promise<void>;
}

export interface BlobStore extends BlobReader, BlobWriter {}

/** `index.json`: read whole, replaced whole. */
export interface IndexFile {
  read(): Promise<IndexSnapshot>;
  /**
   * Edits the file under the layout's lock: reads it afresh, asks `edit` what to change, and replaces it in one step.
   * Where it changed meanwhile, by a writer that takes no lock, `edit` is asked again. No edits, no write.
   * @throws OcilotError `LOCK_BUSY`, `LOCK_LOST`, `INDEX_CONFLICT`, `WRITE_REFUSED`, `LAYOUT_INVALID`, `ABORTED`, `IO_ERROR`, and what
   * `edit` throws
   */
  update(
    edit: (base: IndexSnapshot) => readonly IndexEdit[] | Promise<readonly IndexEdit[]>,
    options?: WriteOptions,
  ): Promise<IndexSnapshot>;
}

/** How a write behaves. */
export interface WriteOptions {
  /** Milliseconds to wait for another writer; 30,000 unless told. */
  wait?: number;
  signal?: AbortSignal;
}

/** One place where a layout is kept: a directory, memory, an archive. */
export interface LayoutBackend {
  /** For messages: the path, or a word for a layout without one. */
  readonly location: string;
  readonly blobs: BlobStore;
  readonly index: IndexFile;
  /** The bytes of `oci-layout`. */
  readonly marker: Uint8Array;
  /** What a person should know before relying on what is read here. */
  readonly warnings?: readonly string[];
  /** Lets go of what is held open. */
  close?(): Promise<void>;
}
