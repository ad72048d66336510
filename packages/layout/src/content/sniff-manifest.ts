import { isOcilotError, isIoFailure } from "../errors.js";
import type { Descriptor } from "../spec/descriptor.js";
import type { Digest } from "../spec/digest.js";
import { isRecord } from "../spec/guards.js";
import { readJson } from "../spec/json.js";
import { MAX_MANIFEST_BYTES } from "../spec/manifest.js";
import { IMAGE_INDEX, IMAGE_MANIFEST, ORAS_ARTIFACT_MANIFEST, manifestKind } from "../spec/media-types.js";

/** The media type of a blob of unknown content. */
export const OCTET_STREAM = "application/octet-stream";

/** Reads the content of a blob. */
export interface ReadsBytes {
  bytes(descriptor: Descriptor): Promise<Uint8Array>;
}

/**
 * Returns the media type of a blob that no descriptor describes, guessed from its content. A corrupt blob is `application/octet-stream`:
 * reading it reports the damage.
 * @throws OcilotError `IO_ERROR`, `ACCESS_DENIED`
 */
export async function sniffMediaType(blobs: ReadsBytes, digest: Digest, size: number): Promise<string> {
  if (size === 0 || size > MAX_MANIFEST_BYTES) return OCTET_STREAM;
  const d: Descriptor = { mediaType: OCTET_STREAM, digest, size };
  try {
    return sniffManifest(await blobs.bytes(d));
  } catch (error) {
    if (isOcilotError(error) && !isIoFailure(error)) return OCTET_STREAM;
    throw error;
  }
}

/**
 * Returns the media type of a manifest by its `mediaType`, or by its members where an OCI manifest leaves that out.
 * @example
 * ```ts
 * import { Layout, sniffManifest } from "@ocilot/layout";
 *
 * const layout = await Layout.open("./layout");
 * console.log(sniffManifest(await layout.blobs.bytes(await layout.resolve("v1"))));
 * ```
 */
export function sniffManifest(bytes: Uint8Array): string {
  if (bytes[0] !== 0x7b && !/^\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, 64)))) return OCTET_STREAM;
  let json: unknown;
  try {
    const { value, quirks } = readJson(bytes, "blob");
    // A document with a member twice is still a manifest: opening it fails, but tools in Go read it.
    if (quirks.some((q) => q.kind !== "invalid-utf8" && q.kind !== "duplicate-key")) return OCTET_STREAM;
    json = value;
  } catch {
    return OCTET_STREAM;
  }
  if (!isRecord(json)) return OCTET_STREAM;
  const own = json["mediaType"];
  if (typeof own === "string" && own !== "") return manifestKind(own) === undefined ? OCTET_STREAM : own;
  if (json["schemaVersion"] === 2 && Array.isArray(json["manifests"])) return IMAGE_INDEX;
  if (json["schemaVersion"] === 2 && isRecord(json["config"]) && Array.isArray(json["layers"])) return IMAGE_MANIFEST;
  if (typeof json["artifactType"] === "string" && Array.isArray(json["blobs"])) return ORAS_ARTIFACT_MANIFEST;
  return OCTET_STREAM;
}
