import type { Descriptor } from "../spec/descriptor.js";
import type { OnRefused } from "../storage.js";

/** How blobs are copied. */
export interface TransferOptions {
  /** Hard-link files into the target where both are directories of one file system (default: false). */
  readonly link?: boolean;
  readonly signal?: AbortSignal;
  /** Asked about each manifest that a registry refuses to take: true to copy the rest. By default the copy fails. */
  readonly onRefused?: OnRefused;
  /** Called with the number of bytes processed, and with `isNew` when a blob is complete: true if it was written, false if present. */
  readonly onProgress?: (event: { readonly bytes: number; readonly descriptor: Descriptor; readonly isNew?: boolean }) => void;
}
