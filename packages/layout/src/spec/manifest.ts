import { OcilotError, isOcilotError } from "../errors.js";
import { type Descriptor, parseDescriptor } from "./descriptor.js";
import { DESCRIPTOR_NAMES } from "./descriptor-names.js";
import { MemberNames, isRecord, stringMap } from "./guards.js";
import { readAsGo } from "./go-reading.js";
import { parseJson, readJson } from "./json.js";
import type { ValuePool } from "./value-pool.js";
import { EMPTY_JSON, type ManifestKind, manifestKind } from "./media-types.js";

/** The largest manifest that is read: 8 MiB, the limit of regclient. */
export const MAX_MANIFEST_BYTES: number = 8 * 1024 * 1024;
/** The size that oras and most registries accept at most, in bytes: 4 MiB, as distribution-spec asks of a registry. */
export const PORTABLE_MANIFEST_BYTES: number = 4 * 1024 * 1024;

const MEMBERS: MemberNames = new MemberNames([
  "mediaType",
  "artifactType",
  "config",
  "layers",
  "blobs",
  "manifests",
  "subject",
  "annotations",
]);

/**
 * A manifest of any kind in one shape: links to other manifests are in `manifests`, links to plain blobs in `layers`.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface Manifest {
  readonly kind: ManifestKind;
  /** The manifest's `mediaType` member, or that of the descriptor if it has none. */
  readonly mediaType: string;
  /** Present only where the specification defines the field for this kind; absent on Docker manifests. */
  readonly subject?: Descriptor;
  /** The type by the rule of distribution-spec 1.1: the manifest's own, else for an image manifest the media type of its config. */
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  /** Top-level members that look like links and are not followed: those of early proposals, `subject` on a Docker manifest. */
  readonly ignored: readonly string[];
}

/** Members of early proposals for referrers. */
const PROPOSED_MEMBERS: readonly string[] = ["reference", "data"];
const DOCKER_IGNORES: readonly string[] = [...PROPOSED_MEMBERS, "subject"];

/**
 * Parses a manifest of the given media type.
 * @param name the manifest's name in errors
 * @param sharing reuses equal values of other manifests, to save memory
 * @throws OcilotError `DOCUMENT_INVALID`, `DESCRIPTOR_INVALID`, `DIGEST_INVALID`, `LIMIT_EXCEEDED`
 * @example
 * ```ts
 * import { Layout, parseManifest } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const manifest = parseManifest(await layout.blobs.bytes(image), image.mediaType, image.digest);
 * console.log(manifest.layers?.length, manifest.subject?.digest);
 * ```
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, name: string, sharing?: ValuePool): Manifest {
  try {
    return parse(bytes, mediaType, name, sharing);
  } catch (error) {
    // What is wrong with a descriptor is told without the document that it is in.
    throw isOcilotError(error, "DESCRIPTOR_INVALID", "DIGEST_INVALID") ? named(error, name) : error;
  }
}

function named(error: OcilotError, name: string): OcilotError {
  return new OcilotError(error.code, `${name}: ${error.message}`, error.details, { cause: error });
}

function parse(bytes: Uint8Array, mediaType: string, name: string, sharing: ValuePool | undefined): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new OcilotError("LIMIT_EXCEEDED", `${name}: a manifest of ${bytes.length} bytes is over the limit of ${MAX_MANIFEST_BYTES}`, {
      what: "manifest size",
      limit: MAX_MANIFEST_BYTES,
      found: bytes.length,
    });
  }
  const kind = manifestKind(mediaType);
  if (kind === undefined) throw invalid(name, "$", `${mediaType} is not a manifest type`);
  const json = parseJson(bytes, name);
  if (!isRecord(json)) throw invalid(name, "$", "is not an object");
  const own = json["mediaType"];
  if (own !== undefined && own !== null && own !== "" && own !== mediaType) {
    throw invalid(name, "$.mediaType", `is ${JSON.stringify(own)} where the descriptor says ${mediaType}`);
  }
  if (!isSchemaVersion(json["schemaVersion"])) throw invalid(name, "$.schemaVersion", "is not an integer");
  const misspelled = MEMBERS.misspelledIn(json);
  if (misspelled !== undefined)
    throw invalid(name, `$[${JSON.stringify(misspelled)}]`, "is read by other tools as if it were spelled right");
  refuseMixedShape(json, kind, name);
  const manifest: { -readonly [Member in keyof Manifest]: Manifest[Member] } = {
    kind,
    mediaType,
    annotations: stringMap(json["annotations"] ?? {}, (reason) => invalid(name, "$.annotations", reason)),
    layers: NONE,
    manifests: descriptors(json, "manifests", name, undefined),
    ignored: ignoredMembers(json, kind),
  };
  const config = optionalDescriptor(json["config"], "$.config", sharing);
  if (config !== undefined) manifest.config = sharing?.descriptor(config) ?? config;
  const layers = descriptors(json, kind === "artifact" || kind === "oras-artifact" ? "blobs" : "layers", name, sharing);
  manifest.layers = sharing?.list(layers) ?? layers;
  const declared = json["artifactType"];
  if (declared !== undefined && declared !== null && typeof declared !== "string") throw invalid(name, "$.artifactType", "is not a string");
  const artifactType = declared || (kind === "image" ? config?.mediaType : undefined);
  if (artifactType) manifest.artifactType = sharing?.text(artifactType) ?? artifactType;
  const subject = kind.startsWith("docker") ? undefined : optionalDescriptor(json["subject"], "$.subject", sharing);
  if (subject !== undefined) manifest.subject = sharing?.descriptor(subject) ?? subject;
  return manifest;
}

/**
 * Parses a manifest as the tools in Go read it: {@link parseManifest} refuses one with a member that is spelled in other letters or that
 * occurs twice, and they do not. For models of these tools only.
 * @throws OcilotError as {@link parseManifest} does, for what they refuse
 * @example
 * ```ts
 * import { Layout, parseManifestAsGo } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const { mediaType, digest, size } = await layout.resolve("v1");
 * const bytes = await layout.blobs.bytes({ mediaType, digest, size });
 * console.log(parseManifestAsGo(bytes, mediaType, digest).annotations);
 * ```
 */
export function parseManifestAsGo(bytes: Uint8Array, mediaType: string, name: string, sharing?: ValuePool): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) return parseManifest(bytes, mediaType, name);
  const { text, quirks } = readJson(bytes, name);
  if (quirks.some((q) => q.kind === "trailing-bytes" || q.kind === "number-form")) return parseManifest(bytes, mediaType, name);
  return parseManifest(new TextEncoder().encode(JSON.stringify(readAsGo(text, name))), mediaType, name, sharing);
}

/**
 * Returns true for what Go reads into an integer.
 * @example
 * ```ts
 * import { isSchemaVersion } from "@ocilot/layout";
 *
 * console.log(isSchemaVersion(2), isSchemaVersion("2")); // true false
 * ```
 */
export function isSchemaVersion(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "number" && Number.isSafeInteger(value));
}

const NONE: readonly never[] = [];

function descriptors(json: Record<string, unknown>, member: string, name: string, sharing: ValuePool | undefined): readonly Descriptor[] {
  const value = json[member];
  if (value === undefined || value === null) return NONE;
  if (!Array.isArray(value)) throw invalid(name, `$.${member}`, "is not an array");
  return value.map((item, i) => sharing?.checked(item) ?? exactDescriptor(item, `$.${member}[${i}]`));
}

function ignoredMembers(json: Record<string, unknown>, kind: ManifestKind): readonly string[] {
  const found = (kind.startsWith("docker") ? DOCKER_IGNORES : PROPOSED_MEMBERS).filter((member) => (json[member] ?? null) !== null);
  return found.length > 0 ? found : NONE;
}

/**
 * Returns true if the artifact type is only the media type of the empty config: correct by the specification, and of no use to a reader.
 * @example
 * ```ts
 * import { hasEmptyArtifactType, Layout, parseManifest } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * const image = await layout.resolve("v1");
 * const manifest = parseManifest(await layout.blobs.bytes(image), image.mediaType, image.digest);
 * console.log(hasEmptyArtifactType(manifest)); // false for an image
 * ```
 */
export function hasEmptyArtifactType(m: Manifest): boolean {
  return m.artifactType === EMPTY_JSON;
}

/** Refuses a document that is an image and an index at once: tools read it differently (CVE-2021-41190). */
function refuseMixedShape(json: Record<string, unknown>, kind: ManifestKind, name: string): void {
  const foreign = kind === "index" || kind === "docker-list" ? ["config", "layers"] : ["manifests"];
  for (const member of foreign) {
    if (json[member] !== undefined) throw invalid(name, `$.${member}`, "belongs to another kind of document");
  }
}

function optionalDescriptor(value: unknown, path: string, sharing: ValuePool | undefined): Descriptor | undefined {
  return value === undefined || value === null ? undefined : (sharing?.checked(value) ?? exactDescriptor(value, path));
}

/** A descriptor in which no member is spelled in other letters: Go would read it in the place of the right one. */
function exactDescriptor(value: unknown, path: string): Descriptor {
  const descriptor = parseDescriptor(value, path);
  const odd = DESCRIPTOR_NAMES.misspelledIn(value as Record<string, unknown>);
  if (odd === undefined) return descriptor;
  const reason = "is read by other tools as if it were spelled right";
  const at = `${path}[${JSON.stringify(odd)}]`;
  throw new OcilotError("DESCRIPTOR_INVALID", `${at} ${reason}`, { path: at, reason });
}

function invalid(document: string, path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${document}: ${path} ${reason}`, { document, path, reason });
}
