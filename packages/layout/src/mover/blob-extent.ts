import type { Descriptor } from "../spec/descriptor.js";

/** A blob as a range of bytes in an open file. The receiver closes it, and reads at positions only. */
export interface BlobExtent {
  readonly fd: number;
  /** Where the blob begins in the file, in bytes. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** True if the file holds this blob only, so that bytes after its end are an error. */
  readonly isWholeFile: boolean;
  close(): void;
}

/** Moves blobs from file to file, several at once; `BlobMover` makes one. */
export interface ExtentMover {
  /**
   * Hashes a blob, and with `to` writes its bytes as they are hashed, before the digest is known.
   * @throws OcilotError `SIZE_MISMATCH`, `BLOB_CORRUPT`, `ALGORITHM_UNSUPPORTED`, `ABORTED`, `IO_ERROR`
   */
  move(
    extent: BlobExtent,
    d: Descriptor,
    options?: {
      /** The open file that is written, and where in it, in bytes. */
      readonly to?: { readonly fd: number; readonly offset: number };
      readonly onBytes?: ((n: number) => void) | undefined;
    },
  ): Promise<void>;
  /** Checks whether moving may go on. @throws OcilotError `ABORTED` */
  check(): void;
}
