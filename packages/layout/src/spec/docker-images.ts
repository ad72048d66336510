import { OcilotError, isOcilotError } from "../errors.js";
import { type Digest, blobDigest, isDigest } from "./digest.js";
import { isRecord } from "./guards.js";
import { parseImageName } from "./image-name.js";
import { parseJson } from "./json.js";

/** The files that Docker writes beside `index.json`, and into archives that have no `index.json`. */
export const DOCKER_FILES = ["manifest.json", "repositories"] as const;
/** The name of one of {@link DOCKER_FILES}. */
export type DockerFile = (typeof DOCKER_FILES)[number];
/** The bytes of the files of Docker that a layout has, by name. */
export type DockerDocuments = Readonly<Partial<Record<DockerFile, Uint8Array>>>;

/** An image in `manifest.json`; config and layers are names of files in the archive or layout. */
export interface DockerManifestItem {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
  /** Digests in `LayerSources`: what the layers are in a registry. */
  readonly sources: readonly Digest[];
}

/** An image of a layout that Docker's files list. */
export interface DockerImage {
  readonly file: DockerFile;
  /** Full names where Docker accepts the name (`docker.io/library/app:latest`), else as written. */
  readonly names: readonly string[];
  /** Undefined in `repositories`, which names a layer only. */
  readonly config?: Digest;
  readonly layers: readonly Digest[];
}

/** What Docker's files beside `index.json` list. */
export interface DockerImages {
  readonly images: readonly DockerImage[];
  /**
   * Every digest that the files name. A blob of one of these digests is in use. Not each of them has to be present: `repositories` and
   * `LayerSources` also name what is stored elsewhere.
   */
  readonly digests: ReadonlySet<Digest>;
  /** Named files outside `blobs/`, which no copy of blobs carries. */
  readonly otherFiles: readonly string[];
  /** Files that cannot be read. What they name is unknown. */
  readonly unreadable: readonly { readonly file: DockerFile; readonly error: OcilotError }[];
}

/**
 * Reads the images of a layout from Docker's files. An unreadable file is reported, not thrown.
 * @example
 * ```ts
 * import { Layout, parseDockerImages } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const { images, unreadable } = parseDockerImages(await layout.dockerDocuments());
 * console.log(
 *   images.flatMap((image) => image.names),
 *   unreadable.length,
 * );
 * ```
 */
export function parseDockerImages(documents: DockerDocuments): DockerImages {
  const images: DockerImage[] = [];
  const digests = new Set<Digest>();
  const otherFiles = new Set<string>();
  const unreadable: { file: DockerFile; error: OcilotError }[] = [];
  const blob = (name: string): readonly Digest[] => {
    const digest = blobDigest(name.replace(/^(?:\.\/)+/, ""));
    if (digest === undefined) otherFiles.add(name);
    return digest === undefined ? [] : [digest];
  };
  const add = (image: DockerImage): void => {
    images.push(image);
    for (const digest of [...(image.config === undefined ? [] : [image.config]), ...image.layers]) digests.add(digest);
  };
  const read = (file: DockerFile, parse: (bytes: Uint8Array) => void): void => {
    const bytes = documents[file];
    try {
      if (bytes !== undefined) parse(bytes);
    } catch (error) {
      if (!isOcilotError(error)) throw error;
      unreadable.push({ file, error });
    }
  };
  read("manifest.json", (bytes) => {
    for (const { config: path, names, layers, sources } of parseDockerManifest(bytes)) {
      const [config] = blob(path);
      add({ file: "manifest.json", names: names.map(fullName), ...(config !== undefined && { config }), layers: layers.flatMap(blob) });
      for (const digest of sources) digests.add(digest);
    }
  });
  read("repositories", (bytes) => {
    const known = new Set(images.flatMap((image) => image.names));
    for (const { name, id } of parseDockerRepositories(bytes)) {
      const digest = `sha256:${id}`;
      if (!isDigest(digest)) continue;
      digests.add(digest);
      if (!known.has(name)) add({ file: "repositories", names: [name], layers: [digest] });
    }
  });
  return { images, digests, otherFiles: [...otherFiles], unreadable };
}

/**
 * Parses `manifest.json`.
 * @throws OcilotError `DOCUMENT_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseDockerManifest(bytes: Uint8Array): DockerManifestItem[] {
  const json = parseJson(bytes, "manifest.json");
  if (!Array.isArray(json)) throw invalid("manifest.json", "$", "is not an array");
  return json.map((image, i) => {
    if (!isRecord(image)) throw invalid("manifest.json", `$[${i}]`, "is not an object");
    const config = image["Config"];
    if (typeof config !== "string") throw invalid("manifest.json", `$[${i}].Config`, "is not the name of a file");
    return {
      config,
      names: strings(image["RepoTags"], `$[${i}].RepoTags`),
      layers: strings(image["Layers"], `$[${i}].Layers`),
      sources: sourcesOf(image["LayerSources"]),
    };
  });
}

/**
 * Parses `repositories`: the name of each image in full, and the id of its top layer.
 * @throws OcilotError `DOCUMENT_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseDockerRepositories(bytes: Uint8Array): { readonly name: string; readonly id: string }[] {
  const json = parseJson(bytes, "repositories");
  if (!isRecord(json)) throw invalid("repositories", "$", "is not an object");
  return Object.entries(json).flatMap(([repository, tags]) => {
    if (!isRecord(tags)) throw invalid("repositories", `$[${JSON.stringify(repository)}]`, "is not an object");
    return Object.entries(tags).map(([tag, id]) => {
      const path = `$[${JSON.stringify(repository)}][${JSON.stringify(tag)}]`;
      if (typeof id !== "string") throw invalid("repositories", path, "is not an id");
      return { name: fullName(`${repository}:${tag}`), id };
    });
  });
}

function fullName(name: string): string {
  const { repository, tag = "latest" } = parseImageName(name) ?? {};
  return repository === undefined ? name : `${repository}:${tag}`;
}

/** Keys are diff ids, values are descriptors of the layers; what is neither is left out. */
function sourcesOf(value: unknown): Digest[] {
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([diffId, source]) => [diffId, isRecord(source) ? source["digest"] : undefined].filter(isDigest));
}

function strings(value: unknown, path: string): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw invalid("manifest.json", path, "is not an array of strings");
}

function invalid(document: DockerFile, path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${document}: ${path} ${reason}`, { document, path, reason });
}
