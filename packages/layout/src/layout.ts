/// <reference lib="esnext.disposable" preserve="true" />
import type { IndexSnapshot } from "./spec/index-snapshot.js";
import { LAYOUT_VERSION, MARKER_FILE, layoutVersion } from "./spec/layout-marker.js";
import { memoryBackend } from "./memory/memory-backend.js";
import { type ResolveOptions, resolveReference } from "./resolve.js";
import { OcilotError } from "./errors.js";
import { type DockerDocuments, type DockerFile, type DockerImages, parseDockerImages } from "./spec/docker-images.js";
import type { Descriptor } from "./spec/descriptor.js";
import { MAX_MANIFEST_BYTES } from "./spec/manifest.js";
import { parseManifest } from "./spec/parse-manifest.js";
import type { BlobStore, ExtraFile, IndexFile, LayoutBackend, LayoutWarning, WriteOptions } from "./storage.js";
import { checkTag, tagEdits, untagEdits } from "./tag.js";

function versionWarning(version: string): LayoutWarning {
  return {
    code: "VERSION_UNKNOWN",
    message: `${MARKER_FILE}: version ${version} is unknown; it is read as ${LAYOUT_VERSION} and never written`,
  };
}

/**
 * An OCI Image Layout: `oci-layout`, `index.json` and `blobs/`.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class Layout {
  /** The path as given, or `memory`. */
  readonly location: string;
  readonly blobs: BlobStore;
  readonly index: IndexFile;
  readonly version: string;
  /** What is unusual about this layout; it is read all the same. */
  readonly warnings: readonly LayoutWarning[];
  readonly #backend: LayoutBackend;
  /** The files of an archive that are not part of the layout, by name; empty for any other layout. */
  readonly extraFiles: ReadonlyMap<string, ExtraFile>;
  /** False for a repository of a registry: an entry of its index keeps a digest and a tag only. */
  readonly keepsEntries: boolean;

  constructor(backend: LayoutBackend) {
    this.#backend = backend;
    this.location = backend.location;
    this.blobs = backend.blobs;
    this.index = backend.index;
    this.version = layoutVersion(backend.marker);
    this.keepsEntries = backend.keepsEntries ?? true;
    this.extraFiles = backend.extraFiles ?? new Map();
    const isKnown = this.version === LAYOUT_VERSION;
    this.warnings = [...(backend.warnings ?? []), ...(isKnown ? [] : [versionWarning(this.version)])];
  }

  /** Returns an empty layout in memory. */
  static inMemory(): Layout {
    return new this(memoryBackend());
  }

  /**
   * Returns the descriptor that `ref` names: `@` and a digest of anything in the layout, which may be shortened to six or more hex digits
   * where unique; else an exact tag (`org.opencontainers.image.ref.name`), else an exact `io.containerd.image.name`, else a unique end of
   * either behind a `:` or `/`. An empty `ref` names the only image.
   * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`, `DIGEST_INVALID`, `ABORTED`
   */
  async resolve(ref: string, options: ResolveOptions = {}): Promise<Descriptor> {
    return await resolveReference(await this.index.read(), this.blobs, ref, options);
  }

  /**
   * Adds tags to a manifest of the layout. A tag that another manifest has is moved. Returns the new `index.json`.
   * @throws OcilotError `UNSAFE_NAME`, `REF_AMBIGUOUS` for a tag that images of several repositories have, and what writing throws
   */
  async tag(d: Descriptor, names: string | readonly string[], options: WriteOptions = {}): Promise<IndexSnapshot> {
    const wanted = (typeof names === "string" ? [names] : names).map(checkTag);
    const { subject } = parseManifest(await this.blobs.bytes(d, { maxBytes: MAX_MANIFEST_BYTES }), d.mediaType, d.digest);
    const tagging = { descriptor: d, names: wanted, isReferrer: subject !== undefined };
    return await this.index.update((found) => tagEdits(found, [tagging]), options);
  }

  /**
   * Removes a tag; the manifest stays listed. Returns the new `index.json`.
   * @throws OcilotError `REF_NOT_FOUND`, `REF_AMBIGUOUS`, and what writing throws
   */
  async untag(name: string, options: WriteOptions = {}): Promise<IndexSnapshot> {
    return await this.index.update((found) => untagEdits(found, name), options);
  }

  /**
   * Returns Docker's files beside `index.json` (`manifest.json`, `repositories`) as they are; those that are absent are left out.
   * @throws OcilotError `LINK_OUTSIDE`, `LIMIT_EXCEEDED`, `ARCHIVE_INVALID`, `IO_ERROR`
   */
  async dockerDocuments(): Promise<DockerDocuments> {
    return (await this.#backend.dockerDocuments?.()) ?? {};
  }

  /**
   * Replaces one of Docker's files beside `index.json`.
   * @throws OcilotError `WRITE_REFUSED`, `IO_ERROR`
   */
  async putDockerDocument(file: DockerFile, bytes: Uint8Array): Promise<void> {
    if (this.#backend.putDockerDocument === undefined) {
      throw new OcilotError("WRITE_REFUSED", `${this.location} cannot hold ${file}`, { reason: "docker-file", file });
    }
    await this.#backend.putDockerDocument(file, bytes);
  }

  /**
   * Returns the images that Docker's files beside `index.json` list. `docker save` puts images there that `index.json` does not list:
   * what they name is content of this layout. The digest of an image manifest is not among it: in `blobs/` it is the manifest whose
   * config is the image's.
   * @throws OcilotError as {@link dockerDocuments}
   */
  async dockerImages(): Promise<DockerImages> {
    return parseDockerImages(await this.dockerDocuments());
  }

  /** Closes the file of an archive, which then cannot be read any more. A directory has nothing to close. */
  async close(): Promise<void> {
    await this.#backend.close?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
