import {
  type BlobReader,
  type Descriptor,
  type Digest,
  MAX_MANIFEST_BYTES,
  blobNotFound,
  checkBytes,
  isOcilotError,
  parseManifest,
} from "@ocilot/layout";
import type { RepositoryClient } from "../client/types.js";
import type { KnownContent } from "./known-content.js";
import type { ManifestCache } from "./manifest-cache.js";
import { type GivenSignal, givenSignal } from "./given-signal.js";

/** What a {@link ManifestSource} reads from and what it notes. */
export interface ManifestSourceParts {
  readonly client: RepositoryClient;
  readonly known: KnownContent;
  readonly cache: ManifestCache;
  /** Ends whatever is asked, beside the signals of single calls. */
  readonly signal: AbortSignal | undefined;
}

/** The manifests of a repository: each is fetched once, and what it names is known to be there from then on. */
export class ManifestSource {
  readonly #client: RepositoryClient;
  readonly #known: KnownContent;
  readonly #cache: ManifestCache;
  readonly #signal: AbortSignal | undefined;
  readonly #near: BlobReader[] = [];
  readonly #fetching: Map<Digest, Promise<Uint8Array>> = new Map();

  constructor({ client, known, cache, signal }: ManifestSourceParts) {
    this.#client = client;
    this.#known = known;
    this.#cache = cache;
    this.#signal = signal;
  }

  /** Names a store where a manifest that the registry has may be read, too. */
  addNear(reader: BlobReader): void {
    if (!this.#near.includes(reader)) this.#near.push(reader);
  }

  /** @throws OcilotError `BLOB_NOT_FOUND`, `BLOB_CORRUPT`, `SIZE_MISMATCH`, and what requests throw */
  async read(d: Descriptor, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const bytes = this.#cache.get(d.digest) ?? (await this.readNear(d)) ?? (await this.fetch(d.digest, signal));
    return checkBytes(d, bytes);
  }

  /** Returns what is near of a manifest that the registry has; whether it has it only the registry can tell. */
  async readNear(d: Descriptor): Promise<Uint8Array | undefined> {
    if (this.#near.length === 0 || this.#known.manifest(d.digest) === undefined) return undefined;
    for (const reader of this.#near) {
      const [bytes] = await reader.bytesMany([d], { maxBytes: MAX_MANIFEST_BYTES });
      if (!(bytes instanceof Uint8Array)) continue;
      this.remember(d, bytes);
      return bytes;
    }
    return undefined;
  }

  /** Asks the registry, once, however many ask at the same time. */
  async fetch(digest: Digest, signal?: AbortSignal): Promise<Uint8Array> {
    const own = givenSignal(this.#signal, signal);
    for (let other = this.#fetching.get(digest); other !== undefined; other = this.#fetching.get(digest)) {
      try {
        return await other;
      } catch (error) {
        // The one who asked first was interrupted, which is nothing to us.
        if (!isOcilotError(error, "ABORTED") || own.signal?.aborted === true) throw error;
      }
    }
    const fetching = this.#fetch(digest, own);
    this.#fetching.set(digest, fetching);
    try {
      return await fetching;
    } finally {
      this.#fetching.delete(digest);
    }
  }

  async #fetch(digest: Digest, own: GivenSignal): Promise<Uint8Array> {
    if (this.#known.isEmpty) throw blobNotFound({ digest });
    const { descriptor, bytes } = await this.#client.getManifest(digest, own);
    this.remember(descriptor, bytes);
    return bytes;
  }

  /** Notes that the registry lists a manifest, which has not been read yet. */
  noteListed(d: Descriptor): void {
    if (this.#known.manifest(d.digest) === undefined) this.#known.addManifest({ mediaType: d.mediaType, digest: d.digest, size: d.size });
  }

  /** Remembers a manifest that the registry has. */
  remember(d: Descriptor, bytes: Uint8Array): void {
    this.#known.addManifest({ mediaType: d.mediaType, digest: d.digest, size: d.size });
    this.#cache.set(d.digest, bytes);
    try {
      this.#known.addNamedBy(parseManifest(bytes, d.mediaType, d.digest));
    } catch (error) {
      // Reading it reports what is wrong with it.
      if (!isOcilotError(error)) throw error;
    }
  }
}
