import { digestOf } from "../content/hash.js";
import { corrupt } from "../content/check-bytes.js";
import { isOcilotError } from "../errors.js";
import { Pace } from "../filesystem/pace.js";
import { memoryBackend } from "../memory/memory-backend.js";
import { shellWord } from "../filesystem/shell-word.js";
import { CONTAINERD_IMAGE_NAME, REF_NAME } from "../spec/annotations.js";
import { descriptorNode } from "../spec/descriptor-json.js";
import type { Descriptor } from "../spec/descriptor.js";
import { type Digest, isDigest } from "../spec/digest.js";
import { type DockerManifestItem, parseDockerManifest } from "../spec/docker-images.js";
import { goJson } from "../spec/go-json.js";
import { isRecord } from "../spec/guards.js";
import { parseImageName } from "../spec/image-name.js";
import { parseJson } from "../spec/json.js";
import { MAX_MANIFEST_BYTES } from "../spec/manifest.js";
import { IMAGE_CONFIG, IMAGE_MANIFEST } from "../spec/media-types.js";
import type { LayoutWarning } from "../storage.js";
import { archiveInvalid } from "./archive-error.js";
import { sniffCompression } from "./sniff.js";
import { digestAt, lastExtent, readDocument } from "./contents.js";
import { refuseSkopeoDirectory } from "./layout-in-archive.js";
import { memberName } from "./member-name.js";
import type { Extent, NamedContent } from "./members.js";
import type { TarSource } from "./tar-source.js";

const DOCKER_MANIFEST_FILE = "manifest.json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

/** A layout made of a docker archive. */
export interface DockerLayout {
  readonly blobs: ReadonlyMap<Digest, Extent | Uint8Array>;
  /** The bytes of `index.json`. */
  readonly index: Uint8Array;
  readonly warnings: readonly LayoutWarning[];
}

/**
 * Makes a layout of a docker archive that has none: what `docker save` wrote before Docker 25, and what skopeo, podman, jib and crane
 * write. Configs and layers keep their bytes; each is read once for its digest. The manifests are new, so no signature covers them.
 * Every image keeps its full names.
 * @throws OcilotError `NOT_A_LAYOUT`, `ARCHIVE_INVALID`, `UNSAFE_NAME`, `BLOB_CORRUPT` for a layer that its config names by another
 * digest, `LIMIT_EXCEEDED`, `ABORTED`
 */
export async function readDockerArchive(
  file: TarSource,
  files: ReadonlyMap<string, NamedContent>,
  signal?: AbortSignal,
): Promise<DockerLayout> {
  const reader = new DockerArchiveReader(file, files, signal);
  const document = (await readDocument(file, files, DOCKER_MANIFEST_FILE, { maxBytes: MAX_MANIFEST_BYTES, signal }))!;
  refuseSkopeoDirectory(file.location, document, `Unpack it, then copy it with: skopeo copy dir:DIRECTORY oci:LAYOUT:TAG`);
  const entries: Descriptor[] = [];
  for (const image of reader.parsed(DOCKER_MANIFEST_FILE, () => parseDockerManifest(document))) {
    const manifest = await reader.manifestOf(image);
    if (image.names.length === 0) entries.push(manifest);
    for (const name of image.names) entries.push({ ...manifest, annotations: annotationsFor(name) });
  }
  const { text } = await memoryBackend().index.update(() => entries.map((descriptor) => ({ op: "insert", before: 0, descriptor })));
  return { blobs: reader.blobs, index: new TextEncoder().encode(text), warnings: [dockerArchiveWarning(file.location)] };
}

class DockerArchiveReader {
  readonly blobs: Map<Digest, Extent | Uint8Array> = new Map();
  readonly #file: TarSource;
  readonly #files: ReadonlyMap<string, NamedContent>;
  readonly #pace: Pace;
  /** By offset: images share configs and layers, and a name may occur any number of times. */
  readonly #described: Map<number, Descriptor> = new Map();
  readonly #diffIds: Map<Digest, readonly unknown[] | undefined> = new Map();

  constructor(file: TarSource, files: ReadonlyMap<string, NamedContent>, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#files = files;
    this.#pace = new Pace(signal);
  }

  async manifestOf(image: DockerManifestItem): Promise<Descriptor> {
    const config = { ...(await this.#describe(image.config)), mediaType: IMAGE_CONFIG };
    const layers: Descriptor[] = [];
    for (const name of image.layers) layers.push(await this.#describe(name));
    await this.#checkDiffIds(image, config, layers);
    const text = goJson({
      members: [
        ["schemaVersion", 2],
        ["mediaType", IMAGE_MANIFEST],
        ["config", descriptorNode(config)],
        ["layers", layers.map(descriptorNode)],
      ],
    });
    const bytes = new TextEncoder().encode(text);
    const manifest: Descriptor = { mediaType: IMAGE_MANIFEST, digest: digestOf(bytes), size: bytes.length };
    this.blobs.set(manifest.digest, bytes);
    return manifest;
  }

  parsed<T>(member: string, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (!isOcilotError(error, "DOCUMENT_INVALID")) throw error;
      throw archiveInvalid(this.#file.location, error.message, { member, cause: error });
    }
  }

  async #describe(name: string): Promise<Descriptor> {
    if (this.#pace.isDue) await this.#pace.rest();
    const { location } = this.#file;
    const content = this.#files.get(memberName(location, name, true));
    if (content === undefined)
      throw archiveInvalid(location, `is missing from the archive, and ${DOCKER_MANIFEST_FILE} names it`, { member: name });
    const extent = lastExtent(content);
    let found = this.#described.get(extent.offset);
    if (found === undefined) {
      const digest = await digestAt(this.#file, extent, { pace: this.#pace });
      const compression = sniffCompression(await this.#file.read(extent.offset, Math.min(8, extent.size)));
      const mediaType = compression === "gzip" || compression === "zstd" ? `${LAYER}+${compression}` : LAYER;
      found = { mediaType, digest, size: extent.size };
      this.#described.set(extent.offset, found);
      this.blobs.set(digest, extent);
    }
    return found;
  }

  /** Checks layers against the config, which names the digest of each one uncompressed. */
  async #checkDiffIds(image: DockerManifestItem, config: Descriptor, layers: readonly Descriptor[]): Promise<void> {
    const { location } = this.#file;
    const diffIds = await this.#diffIdsOf(image, config);
    if (diffIds?.length !== layers.length) {
      throw archiveInvalid(
        location,
        `${DOCKER_MANIFEST_FILE} lists ${layers.length} layers, the config ${diffIds === undefined ? "has no diff_ids" : diffIds.length}`,
        { member: image.config },
      );
    }
    for (const [i, layer] of layers.entries()) {
      const diffId = diffIds[i];
      if (!isDigest(diffId)) throw archiveInvalid(location, "has a diff_id that is not a digest", { member: image.config });
      if (layer.mediaType === LAYER && diffId !== layer.digest) throw corrupt({ ...layer, digest: diffId }, layer.digest);
    }
  }

  async #diffIdsOf(image: DockerManifestItem, config: Descriptor): Promise<readonly unknown[] | undefined> {
    if (this.#diffIds.has(config.digest)) return this.#diffIds.get(config.digest);
    const { offset, size } = this.blobs.get(config.digest) as Extent;
    if (size > MAX_MANIFEST_BYTES)
      throw archiveInvalid(this.#file.location, `is not an image config: it has ${size} bytes`, { member: image.config });
    const bytes = await this.#file.read(offset, size);
    const json = this.parsed(image.config, () => parseJson(bytes, "the image config"));
    const rootfs = isRecord(json) ? json["rootfs"] : undefined;
    const diffIds = isRecord(rootfs) && Array.isArray(rootfs["diff_ids"]) ? rootfs["diff_ids"] : undefined;
    this.#diffIds.set(config.digest, diffIds);
    return diffIds;
  }
}

function annotationsFor(name: string): Record<string, string> {
  const { repository, tag = "latest" } = parseImageName(name) ?? {};
  return repository === undefined ? { [REF_NAME]: name } : { [CONTAINERD_IMAGE_NAME]: `${repository}:${tag}`, [REF_NAME]: tag };
}

function dockerArchiveWarning(location: string): LayoutWarning {
  return {
    code: "DOCKER_ARCHIVE",
    message: `${location}: a docker archive without a layout; its manifests are made from ${DOCKER_MANIFEST_FILE}, and their digests may differ from those in a registry, which signatures cover`,
    hint: `Make a layout of it with: ocilot copy --all ${location === "standard input" ? "-" : shellWord(location)} NEW-DIRECTORY`,
  };
}
