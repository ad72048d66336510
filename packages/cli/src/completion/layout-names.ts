import type { Candidate, LayoutNames } from "./complete.js";
import { type LayoutFiles, layoutFiles } from "./layout-files.js";

const MAX_INDEXES = 16;
const MAX_CANDIDATES = 500;
/** What needs no quotes in any shell; a name from outside with anything else is not offered. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._:@/+%=-]*$/;
const DIGEST = /^[a-z0-9]+:[0-9a-f]{32,}$/;
/** Tags of lists of referrers and of cosign's artifacts. */
const DIGEST_TAG = /^[a-z0-9]+-[0-9a-f]{32,}(?:\.|$)/;
const REF_NAME = "org.opencontainers.image.ref.name";
const IMAGE_NAME = "io.containerd.image.name";
const PREFIX = /^(?:oci:|oci-archive:|ocidir:\/\/)/;
const USUAL_PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x", "linux/ppc64le", "linux/riscv64", "windows/amd64"];

interface Entry {
  readonly digest?: unknown;
  readonly mediaType?: unknown;
  readonly artifactType?: unknown;
  readonly annotations?: unknown;
  readonly platform?: unknown;
}

/**
 * Returns what completion finds in layouts on the disk: straight from `index.json` and the image indexes that it lists, with no
 * more code than that takes. What cannot be read offers nothing.
 */
export function layoutNames(): LayoutNames {
  return {
    references: (word) => Promise.resolve(references(word)),
    platforms: (reference) => Promise.resolve(platforms(reference)),
  };
}

function references(word: string): Candidate[] | undefined {
  const end = layoutEnd(word);
  if (end === undefined) return undefined;
  const files = layoutFiles(pathOf(word.slice(0, end)))!;
  const separator = word[end]!;
  const entries = entriesIn(files, "index.json");
  const found = separator === ":" ? entries.flatMap(tagsOf) : [...entries, ...childrenOf(files, entries)].flatMap(digestOf);
  const unique = new Map(found.map((c) => [c.value, c]));
  return [...unique.values()].slice(0, MAX_CANDIDATES).map((c) => ({ ...c, value: word.slice(0, end + 1) + c.value }));
}

/** Where the path ends in a word that already has the colon or the at sign behind a layout. */
function layoutEnd(word: string): number | undefined {
  for (let i = word.length - 1; i > 0; i--) {
    const isEnd = word[i] === ":" || word[i] === "@";
    if (isEnd && layoutFiles(pathOf(word.slice(0, i))) !== undefined) return i;
  }
  return undefined;
}

function pathOf(text: string): string {
  return text.replace(PREFIX, "");
}

function platforms(reference: string | undefined): Candidate[] {
  const files = reference === undefined ? undefined : layoutFiles(pathOf(reference.slice(0, layoutEnd(reference))));
  const found = files === undefined ? [] : childrenOf(files, entriesIn(files, "index.json")).flatMap(platformOf);
  return (found.length > 0 ? [...new Set(found)] : USUAL_PLATFORMS).map((value) => ({ value }));
}

function tagsOf(entry: Entry): Candidate[] {
  const annotations = isObject(entry.annotations) ? entry.annotations : {};
  const describe = typeof entry.digest === "string" && DIGEST.test(entry.digest) ? entry.digest.slice(0, 19) : "";
  const names = [annotations[REF_NAME], annotations[IMAGE_NAME]].filter((name) => typeof name === "string");
  return names.filter((name) => PLAIN.test(name) && !DIGEST_TAG.test(name)).map((value) => ({ value, describe }));
}

function digestOf({ digest, artifactType, mediaType }: Entry): Candidate[] {
  if (typeof digest !== "string" || !DIGEST.test(digest)) return [];
  const describe = [artifactType, mediaType].find((type) => typeof type === "string" && PLAIN.test(type)) as string | undefined;
  return [{ value: digest, ...(describe !== undefined && { describe }) }];
}

function platformOf({ platform }: Entry): string[] {
  if (!isObject(platform)) return [];
  const { os, architecture, variant, "os.version": version } = platform;
  if (typeof os !== "string" || typeof architecture !== "string" || os === "unknown") return [];
  const text = [os, architecture, ...(typeof variant === "string" ? [variant] : [])].join("/");
  const full = typeof version === "string" ? `${text}:${version}` : text;
  return PLAIN.test(full) ? [full] : [];
}

/** What the image indexes among entries list. */
function childrenOf(files: LayoutFiles, entries: readonly Entry[]): Entry[] {
  const indexes = entries.filter((e) => typeof e.mediaType === "string" && /\.(?:index|list)\.v\d\+json$/.test(e.mediaType));
  return indexes.slice(0, MAX_INDEXES).flatMap(({ digest }) => {
    if (typeof digest !== "string" || !DIGEST.test(digest)) return [];
    return entriesIn(files, `blobs/${digest.replace(":", "/")}`);
  });
}

function entriesIn(files: LayoutFiles, name: string): Entry[] {
  try {
    const text = files.read(name);
    const json: unknown = text === undefined ? undefined : JSON.parse(text);
    const manifests = isObject(json) ? json["manifests"] : undefined;
    return Array.isArray(manifests) ? manifests.filter(isObject) : [];
  } catch {
    return [];
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
