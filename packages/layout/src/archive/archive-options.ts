/** 64 GiB. */
export const DEFAULT_MAX_ARCHIVE_SIZE: number = 64 * 2 ** 30;

/** How an archive is opened. */
export interface ArchiveOptions {
  /** The largest uncompressed size in bytes of an archive that is compressed or comes from a pipe (default: 64 GiB). */
  readonly maxSize?: number;
  /** The largest number of members of an archive (default: 500,000). */
  readonly maxMembers?: number;
  /** The directory for the decompressed copy of an archive, private and deleted on close (default: the system's temporary directory). */
  readonly tempDir?: string;
  readonly signal?: AbortSignal;
}
