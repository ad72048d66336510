import { type ArchiveOptions, openArchive } from "./archive/open-archive.js";
import type { IndexSnapshot } from "./index-snapshot.js";
import { createDirectory, openDirectory } from "./directory-backend.js";
import { LAYOUT_VERSION, MARKER_FILE, layoutVersion } from "./layout-marker.js";
import { memoryBackend } from "./memory-backend.js";
import { resolveReference } from "./resolve.js";
import type { Descriptor } from "./spec/descriptor.js";
import { MAX_MANIFEST_BYTES, parseManifest } from "./spec/manifest.js";
import type { BlobStore, IndexFile, LayoutBackend, WriteOptions } from "./storage.js";
import { checkTag, tagEdits, untagEdits } from "./tag.js";

/** How a layout is opened. */
export interface LayoutOptions {
  /** `false` trades safety against a power cut for speed; true unless told. */
  sync?: boolean;
}

/**
 * An OCI Image Layout: `oci-layout`, `index.json` and `blobs/`.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class Layout {
  /** The path as it was given, or `memory`. */
  readonly location: string;
  readonly blobs: BlobStore;
  readonly index: IndexFile;
  readonly version: string;
  /** What a person should know before relying on this layout; reading goes on all the same. */
  readonly warnings: readonly string[];
  readonly #close: LayoutBackend["close"];

  constructor(backend: LayoutBackend) {
    this.location = backend.location;
    this.blobs = backend.blobs;
    this.index = backend.index;
    this.version = layoutVersion(backend.marker);
    this.#close = backend.close;
    const isKnown = this.version === LAYOUT_VERSION;
    this.warnings = [
      ...(backend.warnings ?? []),
      ...(isKnown ? [] : [`${MARKER_FILE}: version ${this.version} is unknown; it is read as ${LAYOUT_VERSION} and never written`]),
    ];
  }

  /**
   * Opens a layout directory. Never writes.
   * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `LAYOUT_INVALID`, `IO_ERROR`
   */
  static async open(path: string, options: LayoutOptions = {}): Promise<Layout> {
    return new Layout(openDirectory(path, { sync: options.sync ?? true }));
  }

  /**
   * Opens a tar of a layout, plain, gzip or (with Node 22.15) zstd, or `-` for standard input, without unpacking it; a
   * docker archive without a layout is read as one. It cannot be written. To be closed when it is done with.
   * @throws OcilotError as `openArchive` does
   */
  static async openArchive(path: string, options: ArchiveOptions = {}): Promise<Layout> {
    return new Layout(await openArchive(path, options));
  }

  /**
   * Makes an empty layout in a directory that is empty or does not exist.
   * @throws OcilotError `OUTPUT_EXISTS`, `IO_ERROR`
   */
  static async create(path: string, options: LayoutOptions = {}): Promise<Layout> {
    await createDirectory(path, { sync: options.sync ?? true });
    return await Layout.open(path, options);
  }

  /** An empty layout that lives as long as the object. */
  static inMemory(): Layout {
    return new Layout(memoryBackend());
  }

  /**
   * The descriptor that `ref` names: `@` and a digest of anything in the layout, else an exact tag
   * (`org.opencontainers.image.ref.name`), else an `io.containerd.image.name`, else a unique `:tag` suffix of either.
   * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`, `DIGEST_INVALID`
   */
  async resolve(ref: string): Promise<Descriptor> {
    return await resolveReference(await this.index.read(), this.blobs, ref);
  }

  /**
   * Makes `names` tags of a manifest in the layout, each in the place of whatever bore it before. Returns the new
   * `index.json`.
   * @throws OcilotError `UNSAFE_NAME`, and what writing throws
   */
  async tag(d: Descriptor, names: string | readonly string[], options: WriteOptions = {}): Promise<IndexSnapshot> {
    const wanted = (typeof names === "string" ? [names] : names).map(checkTag);
    const { subject } = parseManifest(await this.blobs.bytes(d, { maxBytes: MAX_MANIFEST_BYTES }), d.mediaType, d.digest);
    return await this.index.update((found) => tagEdits(found, d, wanted, subject !== undefined), options);
  }

  /**
   * Takes a tag away; the manifest stays listed. Returns the new `index.json`.
   * @throws OcilotError `REF_NOT_FOUND`, and what writing throws
   */
  async untag(name: string, options: WriteOptions = {}): Promise<IndexSnapshot> {
    return await this.index.update((found) => untagEdits(found, name), options);
  }

  /** Lets go of the file of an archive; reading from it is over then. Of a directory nothing is held open. */
  async close(): Promise<void> {
    await this.#close?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
