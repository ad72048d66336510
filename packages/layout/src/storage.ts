import type { ContentStream } from "./content/content-stream.js";
import type { VisitBlob } from "./content/read-many.js";
import type { BlobExtent, ExtentMover } from "./mover/blob-extent.js";
import type { OcilotError } from "./errors.js";
import type { IndexEdit } from "./spec/index-edit.js";
import type { IndexSnapshot } from "./spec/index-snapshot.js";
import type { Descriptor } from "./spec/descriptor.js";
import type { DockerDocuments, DockerFile } from "./spec/docker-images.js";
import type { Algorithm, Digest } from "./spec/digest.js";

/** Content to be stored. */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>;

export type { ContentStream, VisitBlob };

/** How content is read. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How content is read into memory. */
export interface ReadBytesOptions extends ReadOptions {
  /** The largest size that is read, in bytes. */
  readonly maxBytes?: number | undefined;
}

/** Reads blobs. Everything that it returns has been checked against the size and digest of the descriptor. */
export interface BlobReader {
  /** Returns true if a blob of that name is present. Does not check its content. */
  has(digest: Digest): Promise<boolean>;
  /** As `has`, for many blobs in the order asked. Backends where one request costs what another does leave this method out. */
  hasMany?(digests: readonly Digest[]): Promise<boolean[]>;
  /** Returns the size of a blob in bytes, or undefined if it is missing. */
  size(digest: Digest): Promise<number | undefined>;
  /**
   * Returns the content as a stream, which fails at its end with `BLOB_CORRUPT` if the digest is wrong.
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `ALGORITHM_UNSUPPORTED`, `LINK_OUTSIDE`, `ACCESS_DENIED`, `ABORTED`;
   * reading it also `IO_ERROR`
   */
  open(descriptor: Descriptor, options?: ReadOptions): Promise<ContentStream>;
  /**
   * Returns the content.
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`, `LIMIT_EXCEEDED`, `ALGORITHM_UNSUPPORTED`, `LINK_OUTSIDE`,
   * `ACCESS_DENIED`, `ABORTED`
   */
  bytes(descriptor: Descriptor, options?: ReadBytesOptions): Promise<Uint8Array>;
  /** Returns many small blobs in the order asked. A blob that cannot be read is its error. */
  bytesMany(descriptors: readonly Descriptor[], options?: ReadBytesOptions): Promise<(Uint8Array | OcilotError)[]>;
  /**
   * Reads many small blobs in the order asked, one after the other into the same memory. A store where that saves nothing leaves this method
   * out; {@link visitBlobs} works with any.
   * @throws OcilotError `ABORTED`; what `visit` throws
   */
  visitMany?(descriptors: readonly Descriptor[], visit: VisitBlob, options?: ReadBytesOptions): Promise<void>;
  /** Returns the path of a blob of that size, for sharing its file; undefined if it has none. Does not check its content. */
  file?(descriptor: Descriptor): Promise<string | undefined>;
  /**
   * Returns a blob of that size as a range of an open file, for moving or hashing it in one pass; undefined if it is in no file. Does not
   * check its content.
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `LINK_OUTSIDE`, `ACCESS_DENIED`, `IO_ERROR`
   */
  extent?(descriptor: Descriptor): Promise<BlobExtent | undefined>;
  /**
   * Lists every file of `blobs/` whose name is a digest, in no order.
   * @param options `skip`: digests that the caller does not need; a backend may list them all the same
   */
  list(options?: { readonly skip?: Pick<ReadonlySet<string>, "has"> }): AsyncIterable<BlobListing>;
  /**
   * Returns the identity of the file that holds the blob, as {@link BlobListing.file} does, or undefined if the blob is missing.
   * Reads no content. Backends without files leave this method out.
   * @throws OcilotError `LINK_OUTSIDE`, `IO_ERROR`
   */
  fileIdentity?(digest: Digest): Promise<string | undefined>;
  /**
   * Returns the descriptors for which there is no blob of that size, in their order. For stores where a request for each is slow.
   * @param options `sure`: ask for each all the same, and believe no manifest that names it
   */
  missing?(descriptors: readonly Descriptor[], options?: { signal?: AbortSignal; sure?: boolean }): Promise<Descriptor[]>;
  /** Reads manifests from another store that has them, instead of over the network. They are checked all the same. */
  readNear?(other: BlobReader): void;
  /**
   * Writes the content of a blob to a file, checked. What the file holds already counts as its beginning; after a failure it holds what
   * arrived, for the next attempt.
   * @param options `onBytes` is called with the number of bytes that arrived, or were found in the file; negative if they are discarded
   * @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ABORTED`, `IO_ERROR`
   */
  download?(
    descriptor: Descriptor,
    file: string,
    options?: { signal?: AbortSignal; onBytes?: (n: number) => void; sync?: boolean },
  ): Promise<void>;
}

/** A blob in a listing. */
export interface BlobListing {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** When the blob was last stored or requested to be stored, in milliseconds since 1970 by the clock of {@link BlobWriter.now}. */
  readonly modified: number;
  /**
   * The identity of the file that holds the content. Two digests with the same identity share one file (a symbolic link, a linked
   * algorithm directory, a hard link, a bind mount, a name that differs only in case), so deleting one may delete the content of the
   * other. Opaque; compare for equality only. Absent in backends without files, where each digest has content of its own.
   */
  readonly file?: string;
}

/** Decides about a manifest that a registry refuses: true to go on without it. */
export type OnRefused = (descriptor: Descriptor, error: OcilotError) => boolean | Promise<boolean>;

/** Writes blobs. A blob gets its name only when it is complete. */
export interface BlobWriter {
  /**
   * Stores content under its digest, unless it is present already, and returns its descriptor.
   * @param options `expect`: refuse any other content; `mediaType`: for the descriptor
   * @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH`, `ALGORITHM_UNSUPPORTED`, `WRITE_REFUSED`, `LINK_OUTSIDE`, `ABORTED`,
   * `ACCESS_DENIED`, `IO_ERROR`, and what the source throws
   */
  put(
    source: BlobSource,
    options?: { expect?: Descriptor; algorithm?: Algorithm; mediaType?: string; signal?: AbortSignal },
  ): Promise<Descriptor>;
  /**
   * Stores many small blobs whose bytes have been checked. Each gets its name only when it is complete and, where writes are synced, when
   * all are on the disk.
   * @param options `onRefused` is asked about each manifest that a store on a network refuses to take: true if the rest is to be stored all
   * the same, false to fail with the error
   */
  putMany?(
    blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[],
    options?: { signal?: AbortSignal; onRefused?: OnRefused },
  ): Promise<void>;
  /**
   * Stores the content of a file without copying it, where the file system can share its blocks, and checks it. With `link` the blob is a
   * hard link to the file, and its content is not checked.
   * @returns false if the file system cannot; nothing was stored then
   */
  putFile?(file: string, descriptor: Descriptor, options: { link: boolean; mover: ExtentMover }): Promise<boolean>;
  /**
   * Stores a range of an open file, checked against the descriptor as it is written.
   * @param options `onBytes` is called with the number of bytes written
   * @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH`, `ALGORITHM_UNSUPPORTED`, `WRITE_REFUSED`, `LINK_OUTSIDE`, `ABORTED`,
   * `ACCESS_DENIED`, `IO_ERROR`
   */
  putExtent?(extent: BlobExtent, descriptor: Descriptor, options: { mover: ExtentMover; onBytes?: (n: number) => void }): Promise<void>;
  /**
   * Stores what `download` writes to the file that it is given. The file holds the beginning of the blob if an earlier process was ended
   * during the same download.
   * @throws OcilotError `WRITE_REFUSED`, `LINK_OUTSIDE`, `IO_ERROR`, and what `download` throws
   */
  putDownload?(descriptor: Descriptor, download: (file: string) => Promise<void>): Promise<void>;
  /**
   * Stores content that can be read more than once, from any byte on. Calls `read` for each attempt, which may use the memory of a chunk again
   * for the next one.
   * @param options `onBytes` is called with the number of bytes sent; negative if they have to be sent again
   * @throws OcilotError `BLOB_CORRUPT`, `SIZE_MISMATCH`, `ABORTED`, and what `read` throws
   */
  putReplayable?(
    descriptor: Descriptor,
    read: (offset: number) => AsyncIterable<Uint8Array>,
    options?: { signal?: AbortSignal; onBytes?: (n: number) => void },
  ): Promise<void>;
  /** Takes over blobs that another store can share without a transfer. Returns the rest, in their order. */
  mount?(from: BlobReader, descriptors: readonly Descriptor[], options?: { signal?: AbortSignal }): Promise<Descriptor[]>;
  /** Records that a present blob will be referenced: the program that wrote it may not have made its name durable. */
  keep?(digest: Digest): void;
  /**
   * Makes the names of all blobs stored so far durable, for a caller that relies on them before `index.json` names them. An update of
   * `index.json` does it by itself. Backends that store durably at once leave this method out.
   * @throws OcilotError `IO_ERROR`
   */
  sync?(): Promise<void>;
  /**
   * Deletes a blob and returns true if its file is gone. A missing blob is no error and returns false.
   * @param options `before`: delete only if `modified` is earlier (milliseconds since 1970, by {@link now}); `keep`: identities of
   * files that must stay, checked right before the deletion. Without `keep`, a name that is an alias of another digest's file is
   * left in place.
   * @throws OcilotError `WRITE_REFUSED`, `LINK_OUTSIDE`, `IO_ERROR`
   */
  delete(digest: Digest, options?: DeleteOptions): Promise<boolean>;
  /**
   * Returns the current time in milliseconds since 1970, by the clock that sets `modified`: that of the file system, which can differ
   * from this machine's on a network volume. Backends without a clock of their own leave this method out.
   */
  now?(): Promise<number>;
}

/** What protects a blob from deletion. */
export interface DeleteOptions {
  /** Delete only if the blob was last stored before this time, in milliseconds since 1970 by {@link BlobWriter.now}. */
  readonly before?: number;
  /** Identities ({@link BlobListing.file}) of files that must stay. */
  readonly keep?: ReadonlySet<string>;
}

/** The blobs of a layout, to read and to write. */
export interface BlobStore extends BlobReader, BlobWriter {}

/** `index.json`, which is read and replaced as a whole. */
export interface IndexFile {
  read(): Promise<IndexSnapshot>;
  /**
   * Edits the file under the lock of the layout: reads it again, calls `edit`, and replaces it in one step. If a program that takes no lock
   * changed it meanwhile, `edit` is called again. Without edits nothing is written.
   * @throws OcilotError `LOCK_BUSY`, `LOCK_LOST`, `INDEX_CONFLICT`, `WRITE_REFUSED`, `LAYOUT_INVALID`, `ABORTED`, `ACCESS_DENIED`,
   * `IO_ERROR`, and what `edit` throws
   */
  update(
    edit: (base: IndexSnapshot) => readonly IndexEdit[] | Promise<readonly IndexEdit[]>,
    options?: WriteOptions,
  ): Promise<IndexSnapshot>;
  /**
   * Removes the lock and temporary files that a killed process left, if its owner is dead; does nothing otherwise, and nothing where the
   * layout cannot be written. For a command that finds nothing to write: other programs must not stay locked out.
   */
  clearDeadLock?(): Promise<void>;
}

/** How a write waits and ends. */
export interface WriteOptions {
  /** Milliseconds to wait for another writer (default: 30,000). */
  wait?: number;
  signal?: AbortSignal;
}

/** What is unusual about a layout that can be read all the same. */
export interface LayoutWarning {
  readonly code:
    /** `oci-layout` states an unknown version. */
    | "VERSION_UNKNOWN"
    /** `oci-layout` is missing; `index.json` is read without it. */
    | "MARKER_MISSING"
    /** A docker archive without `index.json`: its manifests are made from `manifest.json`. */
    | "DOCKER_ARCHIVE"
    /** The tar may have been cut short between two members. */
    | "NO_END_MARK"
    /** All members of the tar are in one folder. */
    | "TOP_FOLDER"
    /** The tar holds files that macOS adds (AppleDouble, `.DS_Store`). */
    | "MACOS_FILES"
    /** The archive holds files that are not part of a layout. */
    | "FOREIGN_FILES";
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly hint?: string;
}

/** A file of an archive that is not part of the layout. Its content is not checked. */
export interface ExtraFile {
  /** In bytes. */
  readonly size: number;
  /** @throws OcilotError `LIMIT_EXCEEDED`, `IO_ERROR` */
  bytes(maxBytes: number): Promise<Uint8Array>;
  open(): ContentStream;
}

/** Where a layout is kept: a directory, memory, an archive, a repository of a registry. */
export interface LayoutBackend {
  /** The path, or a word for a layout without one. For messages. */
  readonly location: string;
  readonly blobs: BlobStore;
  readonly index: IndexFile;
  /** The bytes of `oci-layout`. */
  readonly marker: Uint8Array;
  /** What a user should know before relying on this layout. */
  readonly warnings?: readonly LayoutWarning[];
  /** Returns the files of Docker beside `index.json`. Backends that cannot hold any leave this method out. */
  dockerDocuments?(): Promise<DockerDocuments>;
  /** Replaces one of them. @throws OcilotError `WRITE_REFUSED`, `IO_ERROR` */
  putDockerDocument?(file: DockerFile, bytes: Uint8Array): Promise<void>;
  /** The other files of an archive, by name. */
  readonly extraFiles?: ReadonlyMap<string, ExtraFile>;
  /** False for a registry: an entry of its index keeps a digest and a tag only, and links are found by `subject`, not by records. */
  readonly keepsEntries?: boolean;
  /** Closes what is open. */
  close?(): Promise<void>;
}
