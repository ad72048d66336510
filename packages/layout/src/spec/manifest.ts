import { OcilotError } from "../errors.js";
import { type Descriptor, parseDescriptor } from "./descriptor.js";
import { MemberNames, isRecord, stringMap } from "./guards.js";
import { parseJson } from "./json.js";
import type { Sharing } from "./sharing.js";
import { EMPTY_JSON, type ManifestKind, manifestKind } from "./media-types.js";

/** Manifests larger than this are refused: 8 MiB, the limit of regclient. */
export const MAX_MANIFEST_BYTES: number = 8 * 1024 * 1024;

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
 * What any kind of manifest says, in one shape: links to other manifests in `manifests`, to plain blobs in `blobs`.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface Manifest {
  readonly kind: ManifestKind;
  /** The manifest's own `mediaType` member, or the descriptor's where it has none. */
  readonly mediaType: string;
  /** Set only where the specification defines the field for this kind; absent on Docker manifests. */
  readonly subject?: Descriptor;
  /** Computed as distribution-spec 1.1 asks: the manifest's own, else of an image manifest its config's media type. */
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  /** Top-level members that look like a link and that nobody follows: those of early proposals, `subject` on a Docker manifest. */
  readonly ignored: readonly string[];
}

/** Members that early proposals for referrers put into manifests. */
const PROPOSED_MEMBERS: readonly string[] = ["reference", "data"];
const DOCKER_IGNORES: readonly string[] = [...PROPOSED_MEMBERS, "subject"];

/**
 * Parses a manifest of the given media type. With `sharing`, what other manifests say too is one object with theirs.
 * @throws OcilotError `DOCUMENT_INVALID`, `DESCRIPTOR_INVALID`, `DIGEST_INVALID`, `LIMIT_EXCEEDED`
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, name: string, sharing?: Sharing): Manifest {
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
  if (own !== undefined && own !== "" && own !== mediaType) {
    throw invalid(name, "$.mediaType", `is ${JSON.stringify(own)} where the descriptor says ${mediaType}`);
  }
  const misspelled = MEMBERS.misspelledIn(json);
  if (misspelled !== undefined)
    throw invalid(name, `$[${JSON.stringify(misspelled)}]`, "is read by other tools as if it were spelled right");
  refuseMixedShape(json, kind, name);
  const manifest: { -readonly [Member in keyof Manifest]: Manifest[Member] } = {
    kind,
    mediaType,
    annotations: stringMap(json["annotations"] ?? {}, (reason) => invalid(name, "$.annotations", reason)),
    layers: NONE,
    manifests: descriptors(json, "manifests", name),
    ignored: ignoredMembers(json, kind),
  };
  const config = optionalDescriptor(json["config"], "$.config");
  if (config !== undefined) manifest.config = sharing?.descriptor(config) ?? config;
  const layers = descriptors(json, kind === "artifact" || kind === "oras-artifact" ? "blobs" : "layers", name);
  manifest.layers = sharing?.list(layers) ?? layers;
  const declared = json["artifactType"];
  if (declared !== undefined && typeof declared !== "string") throw invalid(name, "$.artifactType", "is not a string");
  const artifactType = declared || (kind === "image" ? config?.mediaType : undefined);
  if (artifactType) manifest.artifactType = sharing?.text(artifactType) ?? artifactType;
  const subject = kind.startsWith("docker") ? undefined : optionalDescriptor(json["subject"], "$.subject");
  if (subject !== undefined) manifest.subject = sharing?.descriptor(subject) ?? subject;
  return manifest;
}

const NONE: readonly never[] = [];

function descriptors(json: Record<string, unknown>, member: string, name: string): readonly Descriptor[] {
  const value = json[member];
  if (value === undefined || value === null) return NONE;
  if (!Array.isArray(value)) throw invalid(name, `$.${member}`, "is not an array");
  return value.map((item, i) => parseDescriptor(item, `$.${member}[${i}]`));
}

function ignoredMembers(json: Record<string, unknown>, kind: ManifestKind): readonly string[] {
  const found = (kind.startsWith("docker") ? DOCKER_IGNORES : PROPOSED_MEMBERS).filter((member) => (json[member] ?? null) !== null);
  return found.length > 0 ? found : NONE;
}

/** True where the artifact type is only the empty config's media type: literally right, and of no use to a reader. */
export function hasEmptyArtifactType(m: Manifest): boolean {
  return m.artifactType === EMPTY_JSON;
}

/** A document that is an image and an index at once reads differently to different tools (CVE-2021-41190). */
function refuseMixedShape(json: Record<string, unknown>, kind: ManifestKind, name: string): void {
  const foreign = kind === "index" || kind === "docker-list" ? ["config", "layers"] : ["manifests"];
  for (const member of foreign) {
    if (json[member] !== undefined) throw invalid(name, `$.${member}`, "stands in a document of another kind");
  }
}

function optionalDescriptor(value: unknown, path: string): Descriptor | undefined {
  return value === undefined || value === null ? undefined : parseDescriptor(value, path);
}

function invalid(document: string, path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
  return new OcilotError("DOCUMENT_INVALID", `${document}: ${path} ${reason}`, { document, path, reason });
}
