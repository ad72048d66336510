import { writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import {
  type BlobListing,
  type BlobReader,
  type Descriptor,
  type Digest,
  MAX_MANIFEST_BYTES,
  OcilotError,
  algorithmOf,
  isOcilotError,
  manifestKind,
  parseManifest,
  sizeMismatch,
  tooLarge,
  type ReadBytesOptions,
  type ReadOptions,
} from "@ocilot/layout";
import type { RepositoryClient } from "../client/types.js";
import { checkedStream } from "./checked-stream.js";
import { type GivenSignal, givenSignal } from "./given-signal.js";
import { inParallel } from "./in-parallel.js";
import type { KnownContent } from "./known-content.js";
import type { ManifestCache } from "./manifest-cache.js";
import { ManifestSource, type ManifestSourceParts } from "./manifest-source.js";

/** What is held in memory whole; a larger blob is read as a stream or not at all. */
const MAX_BYTES = 2 ** 31 - 1;
/** Up to here asking whether a blob is there costs as much as sending it. */
const SMALL_BYTES = 64 * 1024;
/** From here on it is asked for even in a repository without manifests. */
const LARGE_BYTES = 1024 * 1024;
/** When so many small blobs in a row are not there, the others are sent without asking. */
const PROBES = 16;

/** What the halves of a repository share. */
export interface RepositoryParts extends ManifestSourceParts {
  /** What `index.json` names now. */
  readonly roots: () => Promise<readonly Descriptor[]>;
}

/**
 * Reads manifests and blobs of a repository, each from its own endpoint, both checked. A manifest is fetched once; what is known to be there,
 * because the registry lists it or lists a manifest that names it, is not asked for again.
 */
export class RepositoryReader implements BlobReader {
  protected readonly client: RepositoryClient;
  protected readonly known: KnownContent;
  protected readonly cache: ManifestCache;
  readonly #roots: () => Promise<readonly Descriptor[]>;
  readonly #signal: AbortSignal | undefined;
  readonly manifests: ManifestSource;

  constructor({ client, known, cache, roots, signal }: RepositoryParts) {
    this.#signal = signal;
    this.manifests = new ManifestSource({ client, known, cache, signal });
    this.client = client;
    this.known = known;
    this.cache = cache;
    this.#roots = roots;
  }

  /** The signals that end a request. */
  protected given(signal?: AbortSignal): GivenSignal {
    return givenSignal(signal, this.#signal);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  async size(digest: Digest): Promise<number | undefined> {
    const known = this.known.size(digest);
    if (known !== undefined || this.known.isEmpty) return known;
    const head = await this.client.headManifest(digest, this.given());
    if (head === undefined) return await this.#blobSize(digest);
    if (head.size === undefined) return (await this.manifests.fetch(digest)).length;
    this.known.addManifest({ mediaType: head.mediaType, digest, size: head.size });
    return head.size;
  }

  async #blobSize(digest: Digest): Promise<number | undefined> {
    const size = await this.client.headBlob(digest, this.given());
    if (size !== undefined && size >= 0) this.known.addBlob(digest, size);
    return size;
  }

  /**
   * A manifest that the registry neither lists nor names in an index counts as missing: to send it costs no more than to ask. What a manifest
   * names is there with it. Small blobs are asked for until it is clear that they are not there.
   */
  async missing(ds: readonly Descriptor[], options: { signal?: AbortSignal; sure?: boolean } = {}): Promise<Descriptor[]> {
    if (options.sure === true) return await this.#surelyMissing(ds, options.signal);
    if (!this.known.isEmpty) await this.#learn(ds.filter((d) => manifestKind(d.mediaType) !== undefined));
    let missesInRow = 0;
    const isThere = await inParallel(
      ds,
      async (d) => {
        const known = this.known.size(d.digest);
        if (known !== undefined || manifestKind(d.mediaType) !== undefined) return known === d.size;
        // A push that was killed leaves blobs in a repository that the registry does not know yet.
        if (this.known.isEmpty && d.size < LARGE_BYTES) return false;
        if (d.size <= SMALL_BYTES && missesInRow >= PROBES) return false;
        const size = await this.client.headBlob(d.digest, this.given(options.signal));
        const isFound = size === d.size || size === -1;
        missesInRow = isFound ? 0 : missesInRow + 1;
        if (isFound) this.known.addBlob(d.digest, d.size);
        return isFound;
      },
      PROBES / 2,
    );
    return ds.filter((_, i) => !isThere[i]!);
  }

  /** Asks for everything that was not read: a registry may have lost what its manifests name. */
  async #surelyMissing(ds: readonly Descriptor[], signal: AbortSignal | undefined): Promise<Descriptor[]> {
    const isThere = await inParallel(
      ds,
      async (d) => {
        if (this.cache.get(d.digest) !== undefined) return true;
        const isManifest = manifestKind(d.mediaType) !== undefined;
        const head = isManifest ? await this.client.headManifest(d.digest, this.given(signal)) : undefined;
        const size = isManifest ? head && (head.size ?? -1) : await this.client.headBlob(d.digest, this.given(signal));
        if (size === d.size || size === -1) return true;
        this.known.forget(d.digest);
        return false;
      },
      PROBES / 2,
    );
    return ds.filter((_, i) => !isThere[i]!);
  }

  /** Finds out which manifests are there, and what they name, where that takes no more than a look or a request that will pay. */
  async #learn(manifests: readonly Descriptor[]): Promise<void> {
    await inParallel(manifests, async (d) => {
      if (this.known.isChild(d.digest) && this.known.manifest(d.digest) === undefined) await this.size(d.digest);
      if (this.cache.get(d.digest) === undefined) await this.manifests.readNear(d);
    });
  }

  /** Of another repository nothing is near. */
  readNear(other: BlobReader): void {
    if (!(other instanceof RepositoryReader)) this.manifests.addNear(other);
  }

  async open(d: Descriptor, { signal }: ReadOptions = {}): Promise<Readable> {
    algorithmOf(d.digest);
    if (this.#isManifest(d)) return Readable.from([await this.bytes(d, { signal })]);
    this.#checkSize(d);
    return await checkedStream(this.client, d, this.given(signal));
  }

  async bytes(d: Descriptor, options: ReadBytesOptions = {}): Promise<Uint8Array> {
    algorithmOf(d.digest);
    const limit = Math.min(options.maxBytes ?? MAX_BYTES, MAX_BYTES);
    if (d.size > limit) throw tooLarge(d, limit);
    this.#checkSize(d);
    if (!this.#isManifest(d)) {
      try {
        return await this.client.getBlobBytes(d, { maxBytes: limit, ...this.given(options.signal) });
      } catch (error) {
        // What a descriptor without a type means may be a manifest.
        if (!isOcilotError(error, "BLOB_NOT_FOUND") || d.size > MAX_MANIFEST_BYTES) throw error;
        return await this.manifests.read(d, options.signal);
      }
    }
    return await this.manifests.read(d, options.signal);
  }

  async bytesMany(ds: readonly Descriptor[], options: ReadBytesOptions = {}): Promise<(Uint8Array | OcilotError)[]> {
    return await inParallel(ds, async (d) => {
      try {
        return await this.bytes(d, options);
      } catch (error) {
        if (!isOcilotError(error) || !isAboutContent(error)) throw error;
        return error;
      }
    });
  }

  async download(
    d: Descriptor,
    file: string,
    options: { signal?: AbortSignal; onBytes?: (n: number) => void; sync?: boolean } = {},
  ): Promise<void> {
    if (!this.#isManifest(d)) return await this.client.downloadBlob(d, file, { ...options, ...this.given(options.signal) });
    const bytes = await this.bytes(d, options.signal && { signal: options.signal });
    await writeFile(file, bytes, { mode: 0o600, flush: options.sync ?? false });
    options.onBytes?.(bytes.length);
  }

  /** Everything that `index.json` leads to: a registry lists nothing else. */
  async *list(): AsyncIterable<BlobListing> {
    const seen = new Set<Digest>();
    let level = await this.#roots();
    while (level.length > 0) {
      const fresh = level.filter((d) => !seen.has(d.digest) && seen.add(d.digest));
      const manifests = fresh.filter((d) => manifestKind(d.mediaType) !== undefined);
      for (const { digest, size } of fresh) yield { digest, size, modified: 0 };
      const read = await this.bytesMany(manifests);
      level = manifests.flatMap((d, i) => {
        const bytes = read[i]!;
        if (!(bytes instanceof Uint8Array)) return [];
        const { config, layers, manifests: children } = parseManifest(bytes, d.mediaType, d.digest);
        return [...(config ? [config] : []), ...layers, ...children];
      });
    }
  }

  #isManifest(d: Descriptor): boolean {
    return manifestKind(d.mediaType) !== undefined || this.known.manifest(d.digest) !== undefined;
  }

  #checkSize(d: Descriptor): void {
    const known = this.known.size(d.digest);
    if (known !== undefined && known !== d.size) throw sizeMismatch(d, known);
  }
}

/** A failure of one blob, as opposed to one of the connection, the registry or the credentials. */
function isAboutContent(error: OcilotError): boolean {
  return isOcilotError(
    error,
    "BLOB_NOT_FOUND",
    "SIZE_MISMATCH",
    "BLOB_CORRUPT",
    "LIMIT_EXCEEDED",
    "ALGORITHM_UNSUPPORTED",
    "DOCUMENT_INVALID",
  );
}
