import {
  DOCKER_FILES,
  type Digest,
  type DockerDocuments,
  type DockerFile,
  type Layout,
  OcilotError,
  isRecord,
  parseDockerImages,
} from "@ocilot/layout";
import { type CanonicalValue, canonicalJson } from "../records/canonical-json.js";

/** Docker's files that belong to a copy of a whole layout. */
export interface DockerSelection {
  readonly documents: DockerDocuments;
  /** Files outside `blobs/` that they name: no copy carries those. */
  readonly otherFiles: readonly string[];
  /** Configs of images that no manifest of `index.json` leads to: without Docker's files they are lost. */
  readonly only: ReadonlySet<Digest>;
}

/** Returns Docker's files of a layout, of which `configs` are the configs of images that `index.json` leads to. */
export async function selectDocker(source: Layout, configs: ReadonlySet<Digest>): Promise<DockerSelection> {
  const documents = await source.dockerDocuments();
  const { images, otherFiles } = parseDockerImages(documents);
  return { documents, otherFiles, only: new Set(images.flatMap((i) => (i.config === undefined || configs.has(i.config) ? [] : i.config))) };
}

/**
 * Writes Docker's files into a target, under its lock, and returns what it cannot hold. What the target lists stays: images are
 * added to its `manifest.json` and names to its `repositories`. A crash before `index.json` is replaced leaves files that name blobs which are present.
 */
export async function putDockerDocuments(target: Layout, { documents, only, otherFiles }: DockerSelection): Promise<string[]> {
  const notCarried = [...otherFiles];
  const there = await target.dockerDocuments();
  for (const file of DOCKER_FILES) {
    const bytes = documents[file];
    if (bytes === undefined) continue;
    try {
      const merged = mergeDockerFile(file, there[file], bytes);
      if (merged === undefined) notCarried.push(file);
      else if (merged !== there[file]) await target.putDockerDocument(file, merged);
    } catch (error) {
      if (!(error instanceof OcilotError) || error.code !== "WRITE_REFUSED") throw error;
      if (only.size > 0) notCarried.push(file);
    }
  }
  return notCarried;
}

/** Returns `base` with what `added` lists besides; undefined if the two cannot be merged. */
export function mergeDockerFile(file: DockerFile, base: Uint8Array | undefined, added: Uint8Array): Uint8Array | undefined {
  if (base === undefined || Buffer.compare(base, added) === 0) return base ?? added;
  const [old, more] = [parsed(base), parsed(added)];
  if (file === "repositories") return mergeRepositories(base, old, more);
  if (!Array.isArray(old) || !Array.isArray(more)) return undefined;
  const known = new Set(old.map(textOf));
  const fresh = more.filter((item) => !known.has(textOf(item)));
  if (fresh.length === 0) return base;
  const text = new TextDecoder().decode(base).trimEnd();
  const items = fresh.map((item) => JSON.stringify(item)).join(",");
  return new TextEncoder().encode(`${text.slice(0, -1).trimEnd()}${old.length > 0 ? "," : ""}${items}]`);
}

/** Names of both; undefined where the two give one name to different images. */
function mergeRepositories(base: Uint8Array, old: unknown, more: unknown): Uint8Array | undefined {
  if (!isTable(old) || !isTable(more)) return undefined;
  const merged = new Map(Object.entries(old).map(([repository, tags]) => [repository, new Map(Object.entries(tags))]));
  let isChanged = false;
  for (const [repository, tags] of Object.entries(more)) {
    const known = merged.get(repository) ?? new Map<string, unknown>();
    merged.set(repository, known);
    for (const [tag, id] of Object.entries(tags)) {
      if (known.has(tag) && known.get(tag) !== id) return undefined;
      isChanged ||= !known.has(tag);
      known.set(tag, id);
    }
  }
  if (!isChanged) return base;
  const json = Object.fromEntries([...merged].map(([repository, tags]) => [repository, Object.fromEntries(tags)]));
  return new TextEncoder().encode(JSON.stringify(json));
}

function isTable(value: unknown): value is Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return isRecord(value) && Object.values(value).every(isRecord);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function textOf(item: unknown): string {
  return canonicalJson(item as CanonicalValue);
}
