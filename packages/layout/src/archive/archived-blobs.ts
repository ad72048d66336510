import { blobNotFound, sizeMismatch } from "../content/check-bytes.js";
import { embeddedData } from "../content/embedded-data.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Digest } from "../spec/digest.js";
import type { BlobListing } from "../storage.js";
import { refuseWrite } from "./archive-error.js";
import type { Extent } from "./members.js";

/** The most that is read at once, in bytes; a larger blob is read as a stream only. */
export const MAX_BYTES: number = 2 ** 31 - 1;

/** What an archive holds, whichever way its bytes are read. Manifests that the reader made for a docker archive are in memory. */
export abstract class ArchivedBlobs {
  readonly #location: string;
  readonly #blobs: ReadonlyMap<Digest, Extent | Uint8Array>;

  constructor(location: string, blobs: ReadonlyMap<Digest, Extent | Uint8Array>) {
    this.#location = location;
    this.#blobs = blobs;
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#blobs.has(digest);
  }

  async size(digest: Digest): Promise<number | undefined> {
    const found = this.#blobs.get(digest);
    return found === undefined ? undefined : sizeOf(found);
  }

  async *list(): AsyncIterable<BlobListing> {
    for (const [digest, found] of this.#blobs) yield { digest, size: sizeOf(found), modified: 0 };
  }

  async put(): Promise<Descriptor> {
    return refuseWrite(this.#location);
  }

  async delete(): Promise<never> {
    return refuseWrite(this.#location);
  }

  /** @throws OcilotError `BLOB_NOT_FOUND`, `SIZE_MISMATCH` */
  protected find(d: Descriptor): Extent | Uint8Array {
    const found = this.#blobs.get(d.digest) ?? embeddedData(d);
    if (found === undefined) throw blobNotFound(d);
    if (sizeOf(found) !== d.size) throw sizeMismatch(d, sizeOf(found));
    return found;
  }
}

function sizeOf(found: Extent | Uint8Array): number {
  return found instanceof Uint8Array ? found.length : found.size;
}
