import { isOcilotError } from "../errors.js";
import { digestOf } from "../hash.js";
import { parseImageName } from "../image-name.js";
import { descriptorNode } from "../spec/descriptor-json.js";
import { LAYOUT_VERSION } from "../layout-marker.js";
import { memoryBackend } from "../memory-backend.js";
import { CONTAINERD_IMAGE_NAME, REF_NAME } from "../spec/annotations.js";
import type { Descriptor } from "../spec/descriptor.js";
import { type Digest, isDigest } from "../spec/digest.js";
import { goJson } from "../spec/go-json.js";
import { isRecord } from "../spec/guards.js";
import { parseJson } from "../spec/json.js";
import { MAX_MANIFEST_BYTES } from "../spec/manifest.js";
import { IMAGE_CONFIG, IMAGE_MANIFEST } from "../spec/media-types.js";
import { corrupt } from "../verified-stream.js";
import { archiveInvalid } from "./archive-error.js";
import type { ArchiveFile } from "./archive-file.js";
import { sniffCompression } from "./compression.js";
import { digestAt, readDocument } from "./contents.js";
import { type DockerImage, parseDockerManifest } from "./docker-manifest.js";
import { memberName } from "./member-name.js";
import type { Extent } from "./members.js";

export const DOCKER_MANIFEST_FILE = "manifest.json";
/** What Docker puts beside a layout; nothing of it is read where there is a layout. */
export const DOCKER_FILES: readonly string[] = [DOCKER_MANIFEST_FILE, "repositories"];

const LAYER = "application/vnd.oci.image.layer.v1.tar";

/** A layout made of a docker archive. */
export interface DockerLayout {
  readonly blobs: ReadonlyMap<Digest, Extent | Uint8Array>;
  /** The bytes of `index.json`. */
  readonly index: Uint8Array;
  readonly marker: Uint8Array;
  readonly warnings: readonly string[];
}

/**
 * Makes a layout of a docker archive that has none: what `docker save` wrote before Docker 25, and skopeo and podman do
 * today. Configs and layers stay the bytes that they are; every one is read once for its digest. The manifests are new,
 * so no signature covers them.
 * @throws OcilotError `ARCHIVE_INVALID`, `UNSAFE_NAME`, `BLOB_CORRUPT` for a layer that is not what its
 * config says, `LIMIT_EXCEEDED`, `ABORTED`
 */
export async function readDockerArchive(
  file: ArchiveFile,
  files: ReadonlyMap<string, Extent[]>,
  signal?: AbortSignal,
): Promise<DockerLayout> {
  const { location } = file;
  const document = readDocument(file, files, DOCKER_MANIFEST_FILE, MAX_MANIFEST_BYTES)!;
  const images = parsed(DOCKER_MANIFEST_FILE, () => parseDockerManifest(document));
  const blobs = new Map<Digest, Extent | Uint8Array>();
  const known = new Map<number, Descriptor>();
  const entries: Descriptor[] = [];
  for (const image of images) {
    const config = { ...(await describe(image.config)), mediaType: IMAGE_CONFIG };
    const layers: Descriptor[] = [];
    for (const name of image.layers) layers.push(await describe(name));
    checkDiffIds(image, config, layers);
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
    blobs.set(manifest.digest, bytes);
    entries.push(
      ...(image.names.length === 0 ? [manifest] : image.names.map((name) => ({ ...manifest, annotations: annotationsFor(name) }))),
    );
  }
  const { text } = await memoryBackend().index.update(() => entries.map((descriptor) => ({ op: "insert", before: 0, descriptor })));
  return {
    blobs,
    index: new TextEncoder().encode(text),
    marker: new TextEncoder().encode(`{"imageLayoutVersion":"${LAYOUT_VERSION}"}`),
    warnings: [
      `${location}: a docker archive without a layout; its manifests are made from ${DOCKER_MANIFEST_FILE}, so they are in no registry and nothing signs them`,
    ],
  };

  async function describe(name: string): Promise<Descriptor> {
    const extent = files.get(memberName(location, name, true))?.at(-1);
    if (extent === undefined) throw archiveInvalid(location, `${DOCKER_MANIFEST_FILE} names it, and it is not there`, { member: name });
    let found = known.get(extent.offset);
    if (found === undefined) {
      const digest = await digestAt(file, extent, signal && { signal });
      const packing = sniffCompression(file.read(extent.offset, Math.min(8, extent.size)));
      found = { mediaType: packing === "gzip" || packing === "zstd" ? `${LAYER}+${packing}` : LAYER, digest, size: extent.size };
      known.set(extent.offset, found);
      blobs.set(digest, extent);
    }
    return found;
  }

  function parsed<T>(member: string, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (!isOcilotError(error, "DOCUMENT_INVALID")) throw error;
      throw archiveInvalid(location, error.message, { member, cause: error });
    }
  }

  /** The config names each layer's digest, unpacked: of a layer that is not compressed, its own. */
  function checkDiffIds(image: DockerImage, config: Descriptor, layers: readonly Descriptor[]): void {
    const { offset, size } = blobs.get(config.digest) as Extent;
    if (size > MAX_MANIFEST_BYTES) throw archiveInvalid(location, `is no image config: it has ${size} bytes`, { member: image.config });
    const json = parsed(image.config, () => parseJson(file.read(offset, size), "the image config"));
    const rootfs = isRecord(json) ? json["rootfs"] : undefined;
    const diffIds = isRecord(rootfs) ? rootfs["diff_ids"] : undefined;
    if (!Array.isArray(diffIds) || diffIds.length !== layers.length) {
      throw archiveInvalid(location, `${layers.length} layers stand in ${DOCKER_MANIFEST_FILE}, and not as many in the config`, {
        member: image.config,
      });
    }
    for (const [i, layer] of layers.entries()) {
      const diffId: unknown = diffIds[i];
      if (!isDigest(diffId)) throw archiveInvalid(location, "has a diff_id that is no digest", { member: image.config });
      if (layer.mediaType === LAYER && diffId !== layer.digest) throw corrupt({ ...layer, digest: diffId }, layer.digest);
    }
  }
}

function annotationsFor(name: string): Record<string, string> {
  const { repository, tag = "latest" } = parseImageName(name) ?? {};
  return repository === undefined ? { [REF_NAME]: name } : { [CONTAINERD_IMAGE_NAME]: `${repository}:${tag}`, [REF_NAME]: tag };
}
