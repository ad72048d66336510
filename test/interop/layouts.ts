import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Digest, parseDigest } from "@ocilot/layout";
import { place } from "./tools.js";

/** What a test may know of a document that it reads by itself, without asking the code under test. */
export interface RawDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
  platform?: { os: string; architecture: string; variant?: string };
}

export interface RawManifest {
  mediaType?: string;
  artifactType?: string;
  config?: RawDescriptor;
  layers?: RawDescriptor[];
  blobs?: RawDescriptor[];
  manifests?: RawDescriptor[] | null;
  subject?: RawDescriptor;
  annotations?: Record<string, string>;
}

/** A link that is there because the bytes of the referrer say so, whoever lists it or not. */
export interface TrueEdge {
  readonly subject: Digest;
  readonly referrer: Digest;
  readonly isNotation: boolean;
}

export const REF_NAME = "org.opencontainers.image.ref.name";
export const INDEX = "application/vnd.oci.image.index.v1+json";
export const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const NOTATION = "application/vnd.cncf.notary.signature";
const LEGACY = new Set(["application/vnd.oci.artifact.manifest.v1+json", "application/vnd.cncf.oras.artifact.manifest.v1+json"]);

const FIXTURES = fileURLToPath(new URL("../../fixtures", import.meta.url));

export function fixture(name: string): string {
  return join(FIXTURES, name.startsWith("edge/") ? name : join("layouts", name));
}

/** The names of all fixtures that are directories; hard cases begin with `edge/`. */
export function fixtureNames(): string[] {
  return [...folders("layouts"), ...folders("edge").map((name) => `edge/${name}`)];
}

function folders(path: string): string[] {
  return readdirSync(join(FIXTURES, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

/** The truth about the fixtures as it was noted when they were made. */
export async function notedEdges(name: string): Promise<string[] | undefined> {
  const noted = JSON.parse(await readFile(join(FIXTURES, "layouts", "edges.json"), "utf8")) as Record<string, Record<string, string[]>>;
  const edges = noted[name];
  return edges && Object.entries(edges).flatMap(([subject, referrers]) => referrers.map((r) => `${subject} ${r}`));
}

/** Runs `body` with a directory that is gone afterwards. */
export async function inScratch<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await scratch();
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function scratch(): Promise<string> {
  return await mkdtemp(join(place(), "test-"));
}

/** A copy that may be written to. */
export async function copyOf(layout: string, to: string): Promise<string> {
  await cp(layout, to, { recursive: true });
  return to;
}

/** Every S-edge, found by opening every blob: OCI manifests and indexes, and the two withdrawn artifact manifests. */
export async function trueEdges(layout: string): Promise<TrueEdge[]> {
  const edges: TrueEdge[] = [];
  for (const digest of await blobsOf(layout)) {
    const manifest = await readManifest(layout, digest);
    if (manifest?.subject === undefined || !isReferrer(manifest)) continue;
    const type = manifest.artifactType ?? manifest.config?.mediaType;
    edges.push({ subject: parseDigest(manifest.subject.digest), referrer: digest, isNotation: type === NOTATION });
  }
  return edges.toSorted((a, b) => (edgeName(a) < edgeName(b) ? -1 : 1));
}

export function edgeName(edge: { subject: string; referrer: string }): string {
  return `${edge.subject} ${edge.referrer}`;
}

function isReferrer(manifest: RawManifest): boolean {
  const { mediaType, config, layers, manifests } = manifest;
  if (mediaType === undefined) return (config !== undefined && layers !== undefined) || Array.isArray(manifests);
  return mediaType === INDEX || mediaType === MANIFEST || LEGACY.has(mediaType);
}

/** The digests of all files below `blobs/`, sorted. */
export async function blobsOf(layout: string): Promise<Digest[]> {
  const algorithms = await readdir(join(layout, "blobs")).catch(() => []);
  const names = await Promise.all(algorithms.map(async (a) => (await readdir(join(layout, "blobs", a))).map((hex) => `${a}:${hex}`)));
  return names
    .flat()
    .filter(isDigest)
    .map((text) => parseDigest(text))
    .toSorted();
}

function isDigest(text: string): boolean {
  return /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

export function blobPath(layout: string, digest: string): string {
  return join(layout, "blobs", ...digest.split(":"));
}

export async function readIndex(layout: string): Promise<RawManifest & { manifests: RawDescriptor[] }> {
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as RawManifest;
  return { ...index, manifests: index.manifests ?? [] };
}

export async function writeIndex(layout: string, index: RawManifest): Promise<void> {
  await writeFile(join(layout, "index.json"), JSON.stringify(index));
}

/** A blob as a manifest, or undefined where it is none. */
export async function readManifest(layout: string, digest: string): Promise<RawManifest | undefined> {
  const path = blobPath(layout, digest);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size > 4 << 20) return undefined;
  try {
    const value = JSON.parse(await readFile(path, "utf8")) as unknown;
    return typeof value === "object" && value !== null ? (value as RawManifest) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a blob as any tool would, and describes it. */
export async function addBlob(layout: string, mediaType: string, content: string | object): Promise<RawDescriptor> {
  const bytes = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await writeFile(blobPath(layout, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

/**
 * The blobs that `index.json` leads to and that are there, by the links that a collector of OCI layouts follows. What
 * only a Docker manifest or a withdrawn artifact manifest leads to is left out: umoci does not open these.
 */
export async function referencedBlobs(layout: string, options: { subjects: boolean } = { subjects: true }): Promise<Set<Digest>> {
  const there = new Set<string>(await blobsOf(layout));
  const found = new Set<Digest>();
  let level: RawDescriptor[] = (await readIndex(layout)).manifests;
  while (level.length > 0) {
    const next: RawDescriptor[] = [];
    for (const descriptor of level) {
      if (!there.has(descriptor.digest) || found.has(parseDigest(descriptor.digest))) continue;
      found.add(parseDigest(descriptor.digest));
      if (descriptor.mediaType !== INDEX && descriptor.mediaType !== MANIFEST) continue;
      const manifest = await readManifest(layout, descriptor.digest);
      if (manifest === undefined) continue;
      const { config, layers, manifests, subject } = manifest;
      next.push(...(config ? [config] : []), ...(layers ?? []), ...(manifests ?? []), ...(subject && options.subjects ? [subject] : []));
    }
    level = next;
  }
  return found;
}

/** The tags of a layout and what they point to. */
export async function tagsOf(layout: string): Promise<{ tag: string; descriptor: RawDescriptor }[]> {
  const { manifests } = await readIndex(layout);
  return manifests.flatMap((descriptor) => {
    const tag = descriptor.annotations?.[REF_NAME];
    return tag ? [{ tag, descriptor }] : [];
  });
}

/** By which tag and platform a manifest can be named, if it is a child of a tagged index. */
export async function platformNames(layout: string, digest: string): Promise<{ tag: string; platform: string }[]> {
  const names: { tag: string; platform: string }[] = [];
  for (const { tag, descriptor } of await tagsOf(layout)) {
    const children = (await readManifest(layout, descriptor.digest))?.manifests ?? [];
    for (const { digest: child, platform } of children) {
      if (child !== digest || platform === undefined || platform.os === "unknown") continue;
      names.push({ tag, platform: [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/") });
    }
  }
  return names;
}
