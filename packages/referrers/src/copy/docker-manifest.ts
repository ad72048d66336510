import { CONTAINERD_IMAGE_NAME, type Descriptor, type Digest, blobPath, goJson } from "@ocilot/layout/web";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";
import { isImageEntry, isIndex } from "./docker-names.js";
import { matchesPlatform } from "../platform/match-platform.js";

/** Media types of the configs of container images; anything else is an artifact, which Docker cannot load. */
const IMAGE_CONFIGS: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);
const DEFAULT_PLATFORM = { os: "linux", architecture: "amd64" };

/** What a loader that reads `manifest.json` finds. */
export interface DockerManifest {
  readonly text: string;
  readonly images: readonly DockerEntry[];
}

/** An image in the `manifest.json` of Docker, by its manifest, with its names. */
export interface DockerEntry {
  readonly manifest: Digest;
  readonly names: readonly string[];
}

/**
 * The `manifest.json` of Docker's archives, for loaders that do not read layouts (podman, Docker before 25). It knows one
 * platform per image: of an image index linux/amd64 if it is present, else the first that is. Loaders that read `index.json` get all.
 */
export async function dockerManifest(view: LayoutView): Promise<DockerManifest> {
  const images = new Map<Digest, { node: ManifestNode; names: string[] }>();
  for (const entry of view.entries.filter(isImageEntry)) {
    const node = await imageOf(view, entry.descriptor);
    if (node === undefined) continue;
    const { digest } = node.descriptor;
    const known = images.get(digest) ?? { node, names: [] };
    images.set(digest, known);
    const name = entry.descriptor.annotations?.[CONTAINERD_IMAGE_NAME];
    if (name !== undefined && !known.names.includes(name)) known.names.push(name);
  }
  const items = [...images.values()].map(({ node, names }) => {
    const { config, layers } = manifestOf(node)!;
    return {
      members: [
        ["Config", blobPath(config!.digest)],
        ["RepoTags", names.length === 0 ? null : names],
        ["Layers", layers.map((d) => blobPath(d.digest))],
      ] as const,
    };
  });
  return { text: goJson(items), images: [...images].map(([manifest, { names }]) => ({ manifest, names })) };
}

/** Returns the image of an entry for one platform; undefined for artifacts and missing manifests. */
async function imageOf(view: LayoutView, d: Descriptor): Promise<ManifestNode | undefined> {
  const [node] = await view.nodes([d]);
  const manifest = manifestOf(node);
  if (manifest === undefined) return undefined;
  if (!isIndex(d)) return manifest.config !== undefined && IMAGE_CONFIGS.has(manifest.config.mediaType) ? node : undefined;
  const wanted = manifest.manifests.filter((c) => matchesPlatform(c.platform, DEFAULT_PLATFORM));
  for (const child of [...wanted, ...manifest.manifests.filter((c) => c.platform?.os !== "unknown")]) {
    const found = isIndex(child) ? undefined : await imageOf(view, child);
    if (found !== undefined) return found;
  }
  return undefined;
}
