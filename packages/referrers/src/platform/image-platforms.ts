import {
  DOCKER_REFERENCE_DIGEST,
  type Descriptor,
  type Digest,
  EMPTY_JSON,
  type Layout,
  type Manifest,
  type Platform,
  isDigest,
  manifestKind,
} from "@ocilot/layout/web";
import { type LayoutView, type ManifestNode, manifestOf } from "../view/layout-view.js";
import { normalizePlatform } from "./parse-platform.js";

/** An image config is small; a larger blob is something else. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** An image for one platform. */
export interface PlatformImage {
  readonly descriptor: Descriptor;
  readonly platform: Platform;
}

/** What an image consists of. */
export interface ImagePlatforms {
  /** Its images with their platforms: one for a plain image, through nested indexes for an image index. */
  readonly images: readonly PlatformImage[];
  /** Children that are not images, as BuildKit's attestations, with the manifest that each is about where it says so. */
  readonly artifacts: ReadonlyMap<Digest, Digest | undefined>;
}

/** A child to look at, and the platform of the index that lists it. */
interface Step {
  readonly descriptor: Descriptor;
  readonly inherited?: Platform | undefined;
}

/**
 * Returns the platforms of an image. A platform is what the descriptor states, else the image config, else the descriptor of
 * the enclosing index. Children that are absent count by their descriptor.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { formatPlatform, imagePlatforms, openView } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const view = await openView(layout);
 * const { images } = await imagePlatforms(layout, view, await layout.resolve("v1"));
 * console.log(images.map(({ platform }) => platform && formatPlatform(platform)));
 * ```
 */
export async function imagePlatforms(layout: Layout, view: LayoutView, root: Descriptor): Promise<ImagePlatforms> {
  const leaves: { node: ManifestNode; inherited: Platform | undefined }[] = [];
  const artifacts = new Map<Digest, Digest | undefined>();
  const seen = new Set<Digest>();
  let level: Step[] = [{ descriptor: root }];
  while (level.length > 0) {
    const nodes = await view.nodes(level.map((step) => step.descriptor));
    const next: Step[] = [];
    for (const [i, node] of nodes.entries()) {
      const { descriptor } = node;
      const inherited = statedPlatform(descriptor) ?? level[i]!.inherited;
      const manifest = manifestOf(node);
      if (isIndexType(descriptor)) {
        if (seen.has(descriptor.digest)) continue;
        seen.add(descriptor.digest);
        for (const child of manifest?.manifests ?? []) next.push({ descriptor: child, inherited });
      } else if (isArtifact(descriptor, manifest, descriptor === root)) artifacts.set(descriptor.digest, subjectOf(descriptor, manifest));
      else leaves.push({ node, inherited });
    }
    level = next;
  }
  const configured = await configPlatforms(
    layout,
    leaves.flatMap(({ node }) => (statedPlatform(node.descriptor) === undefined ? (manifestOf(node)?.config ?? []) : [])),
  );
  const images = new Map<string, PlatformImage>();
  for (const { node, inherited } of leaves) {
    const { descriptor } = node;
    const platform = statedPlatform(descriptor) ?? configured.get(manifestOf(node)?.config?.digest ?? "") ?? inherited;
    if (platform !== undefined) images.set(`${descriptor.digest} ${JSON.stringify(platform)}`, { descriptor, platform });
  }
  return { images: [...images.values()], artifacts };
}

function isIndexType({ mediaType }: Descriptor): boolean {
  const kind = manifestKind(mediaType);
  return kind === "index" || kind === "docker-list";
}

/** What is about another manifest, or says that it is no image. BuildKit states the platform `unknown/unknown` for it. */
function isArtifact(d: Descriptor, manifest: Manifest | undefined, isRoot: boolean): boolean {
  if (d.platform?.os === "unknown" || d.annotations?.[DOCKER_REFERENCE_DIGEST] !== undefined) return true;
  if (manifestKind(d.mediaType) !== "image" && manifestKind(d.mediaType) !== "docker-image") return true;
  if (manifest === undefined) return d.artifactType !== undefined;
  const { config, artifactType, subject } = manifest;
  if (subject !== undefined && !isRoot) return true;
  return config?.mediaType === EMPTY_JSON || (artifactType !== undefined && artifactType !== config?.mediaType);
}

function subjectOf(d: Descriptor, manifest: Manifest | undefined): Digest | undefined {
  const named = d.annotations?.[DOCKER_REFERENCE_DIGEST];
  return isDigest(named) ? named : manifest?.subject?.digest;
}

/** The platform that a descriptor states; undefined where it lacks one of the two members that make one. */
function statedPlatform({ platform }: Descriptor): Platform | undefined {
  return platform?.os && platform.architecture ? normalizePlatform(platform) : undefined;
}

/** What image configs state; configs of other types, absent ones and those that are not JSON state nothing. */
async function configPlatforms(layout: Layout, configs: readonly Descriptor[]): Promise<Map<string, Platform>> {
  const wanted = configs.filter((d) => d.size <= MAX_CONFIG_BYTES && d.mediaType.endsWith("json"));
  const read = await layout.blobs.bytesMany(wanted, { maxBytes: MAX_CONFIG_BYTES });
  const found = new Map<string, Platform>();
  for (const [i, bytes] of read.entries()) {
    const platform = bytes instanceof Uint8Array ? platformIn(bytes) : undefined;
    if (platform !== undefined) found.set(wanted[i]!.digest, platform);
  }
  return found;
}

function platformIn(bytes: Uint8Array): Platform | undefined {
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof config !== "object" || config === null) return undefined;
  const { os, architecture, variant, "os.version": version } = config as Partial<Record<string, unknown>>;
  if (typeof os !== "string" || typeof architecture !== "string" || os === "" || architecture === "") return undefined;
  return normalizePlatform({
    os,
    architecture,
    ...(typeof variant === "string" && { variant }),
    ...(typeof version === "string" && { "os.version": version }),
  });
}
