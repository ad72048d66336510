import {
  CONTAINERD_IMAGE_NAME,
  type Descriptor,
  type Digest,
  IMAGE_CONFIG,
  type IndexEntry,
  type Layout,
  type Manifest,
  type Platform,
  isOcilotError,
  isRecord,
  parseJson,
} from "@ocilot/layout";
import { type LayoutView, type ReferrerGraph, manifestOf } from "@ocilot/referrers";
import type { Detected } from "./detect.js";

/** One platform of an image index, or a manifest in it that has none. */
export interface PlatformRow {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly platform?: string;
  readonly size: number;
  /** False where the manifest is not in the layout, as in a copy of some platforms only, or cannot be read. */
  readonly present: boolean;
  readonly referrers: number;
}

/** An image, or an artifact that stands for itself: what an entry of `index.json` names, however many entries do. */
export interface ImageRow extends PlatformRow {
  readonly tags: readonly string[];
  /** Full names, as containerd and Docker keep them. */
  readonly names: readonly string[];
  readonly artifactType?: string;
  readonly platforms: readonly PlatformRow[];
}

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";

/** What the images of a layout are read from. */
interface Source {
  readonly layout: Layout;
  readonly view: LayoutView;
  readonly graph: ReferrerGraph;
  /** Positions of entries that are lists of referrers, or referrers under a tag of cosign's. */
  readonly lists: ReadonlySet<number>;
  readonly referrers: ReadonlySet<Digest>;
}

/** The images of a layout. Lists of referrers, referrers without a tag and platforms of an image that is listed are none. */
export async function listImages(
  layout: Layout,
  view: LayoutView,
  graph: ReferrerGraph,
  detected: readonly Detected[],
): Promise<ImageRow[]> {
  // A list is no image, and neither is what bears one of cosign's tags: both are there for what they refer to.
  const listing = detected.filter((d) => d.convention.traits.shape === "list" || d.convention.id === "cosign-tags");
  const lists = new Set(listing.flatMap((d) => d.detection.entries.map((e) => e.position)));
  const source: Source = { layout, view, graph, lists, referrers: referrersOf(graph) };
  const rows: ImageRow[] = [];
  for (const entries of (await imageEntries(source)).values()) {
    const { descriptor } = entries[0]!;
    const manifest = manifestOf((await view.nodes([descriptor]))[0]);
    const leaves = manifest === undefined ? [] : await leavesOf(view, source.referrers, manifest, new Set([descriptor.digest]));
    const artifactType = manifest?.artifactType ?? descriptor.artifactType;
    const isArtifact = artifactType !== undefined && !isImageConfig(artifactType);
    rows.push({
      ...(await rowOf(source, descriptor)),
      tags: entries.flatMap((e) => e.tag ?? []),
      names: [...new Set(entries.flatMap((e) => e.descriptor.annotations?.[CONTAINERD_IMAGE_NAME] ?? []))],
      ...(isArtifact && { artifactType }),
      platforms: await Promise.all(leaves.map((leaf) => rowOf(source, leaf))),
    });
  }
  return rows;
}

/** Everything that refers to something. */
export function referrersOf(graph: ReferrerGraph): Set<Digest> {
  return new Set(graph.edges().map((e) => e.referrer.digest));
}

/** The entries of images by digest, in the order in which they first appear. */
async function imageEntries({ view, lists, referrers }: Source): Promise<Map<Digest, IndexEntry[]>> {
  const listed = new Set(view.entries.filter((e) => lists.has(e.position)).map((e) => e.descriptor.digest));
  const inside = new Set<Digest>();
  for (const { node } of await view.reach()) {
    if (listed.has(node.descriptor.digest)) continue;
    for (const child of manifestOf(node)?.manifests ?? []) inside.add(child.digest);
  }
  const shown = new Map<Digest, IndexEntry[]>();
  for (const entry of view.entries) {
    const { digest } = entry.descriptor;
    if (lists.has(entry.position)) continue;
    if (entry.tag === undefined && (referrers.has(digest) || inside.has(digest))) continue;
    shown.set(digest, [...(shown.get(digest) ?? []), entry]);
  }
  return shown;
}

/** The manifests for platforms below an index, through nested indexes; attestations among them are referrers. */
export async function leavesOf(
  view: LayoutView,
  referrers: ReadonlySet<Digest>,
  index: Manifest,
  seen: Set<Digest>,
): Promise<Descriptor[]> {
  const children = index.manifests.filter((d) => !referrers.has(d.digest) && !seen.has(d.digest) && seen.add(d.digest));
  const nodes = await view.nodes(children);
  const leaves: Descriptor[] = [];
  for (const [i, child] of children.entries()) {
    const manifest = manifestOf(nodes[i]);
    if (manifest?.kind === "index" || manifest?.kind === "docker-list") leaves.push(...(await leavesOf(view, referrers, manifest, seen)));
    else leaves.push(child);
  }
  return leaves;
}

async function rowOf({ layout, view, graph }: Source, d: Descriptor): Promise<PlatformRow> {
  const [node] = await view.nodes([d]);
  const platform = platformText(d.platform ?? (await configPlatform(layout, manifestOf(node))));
  return {
    digest: d.digest,
    mediaType: d.mediaType,
    ...(platform !== undefined && { platform }),
    size: await sizeOf(view, d),
    present: node?.state === "blob" ? await view.has(d.digest) : node?.state === "read",
    referrers: graph.of(d.digest).length,
  };
}

/** What it takes to store it: every blob once, as large as its descriptor says. */
async function sizeOf(view: LayoutView, root: Descriptor): Promise<number> {
  const sizes = new Map<Digest, number>();
  let level: readonly Descriptor[] = [root];
  while (level.length > 0) {
    const fresh = level.filter((d) => !sizes.has(d.digest) && sizes.set(d.digest, d.size));
    const manifests = (await view.nodes(fresh)).flatMap((n) => manifestOf(n) ?? []);
    level = manifests.flatMap((m) => [...(m.config ? [m.config] : []), ...m.layers, ...m.manifests]);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** An image outside an index has its platform in its config. What cannot be read is left for other commands to report. */
async function configPlatform(layout: Layout, manifest: Manifest | undefined): Promise<Platform | undefined> {
  if (manifest?.config === undefined || !isImageConfig(manifest.config.mediaType)) return undefined;
  try {
    const config = parseJson(await layout.blobs.bytes(manifest.config, { maxBytes: MAX_CONFIG_BYTES }), manifest.config.digest);
    if (!isRecord(config) || typeof config["os"] !== "string" || typeof config["architecture"] !== "string") return undefined;
    const { os, architecture, variant } = config;
    return { os, architecture, ...(typeof variant === "string" && { variant }) };
  } catch (error) {
    if (isOcilotError(error)) return undefined;
    throw error;
  }
}

/** `linux/arm/v7`, as Docker and others write it. */
export function platformText(platform: Platform | undefined | null): string | undefined {
  if (!platform) return undefined;
  return [platform.os, platform.architecture, platform.variant].filter((part) => part).join("/") || undefined;
}

/** Tells whether a config's media type makes the manifest an image rather than an artifact. */
export function isImageConfig(mediaType: string): boolean {
  return mediaType === IMAGE_CONFIG || mediaType === DOCKER_CONFIG;
}
