import { throwIfAborted } from "../abort.js";
import { checkBytes, tooLarge } from "../content/check-bytes.js";
import { type ContentStream, checkedContent } from "../content/content-stream.js";
import { type OcilotError, isOcilotError } from "../errors.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Digest } from "../spec/digest.js";
import type { BlobStore, ReadBytesOptions, ReadOptions } from "../storage.js";
import { ArchivedBlobs, MAX_BYTES } from "./archived-blobs.js";
import type { Extent } from "./members.js";
import type { TarSource } from "./tar-source.js";

/** How many blobs are read at the same time. */
const AT_ONCE = 16;

/** Reads the blobs of a tar whose bytes come asynchronously. */
export class WebFileBlobs extends ArchivedBlobs implements BlobStore {
  readonly #file: TarSource;

  constructor(file: TarSource, blobs: ReadonlyMap<Digest, Extent | Uint8Array>) {
    super(file.location, blobs);
    this.#file = file;
  }

  async open(d: Descriptor, { signal }: ReadOptions = {}): Promise<ContentStream> {
    throwIfAborted(signal);
    const found = this.find(d);
    return checkedContent(d, found instanceof Uint8Array ? piecesOf(found) : this.#file.stream(found.offset, found.size), signal);
  }

  async bytes(d: Descriptor, { maxBytes = MAX_BYTES, signal }: ReadBytesOptions = {}): Promise<Uint8Array> {
    throwIfAborted(signal);
    const limit = Math.min(maxBytes, MAX_BYTES);
    if (d.size > limit) throw tooLarge(d, limit);
    const found = this.find(d);
    return checkBytes(d, found instanceof Uint8Array ? found : await this.#file.read(found.offset, found.size));
  }

  async bytesMany(ds: readonly Descriptor[], options: ReadBytesOptions = {}): Promise<(Uint8Array | OcilotError)[]> {
    const read: (Uint8Array | OcilotError)[] = [];
    for (let start = 0; start < ds.length; start += AT_ONCE) {
      const slice = ds.slice(start, start + AT_ONCE).map(
        async (d) =>
          await this.bytes(d, options).catch((error: unknown) => {
            if (isOcilotError(error) && error.code !== "ABORTED") return error;
            throw error;
          }),
      );
      read.push(...(await Promise.all(slice)));
    }
    return read;
  }
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
