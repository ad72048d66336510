import { isOcilotError } from "./errors.js";
import type { Descriptor } from "./spec/descriptor.js";
import type { Digest } from "./spec/digest.js";
import { isRecord } from "./spec/guards.js";
import { parseJson } from "./spec/json.js";
import { MAX_MANIFEST_BYTES } from "./spec/manifest.js";
import { IMAGE_INDEX, IMAGE_MANIFEST, ORAS_ARTIFACT_MANIFEST, manifestKind } from "./spec/media-types.js";
import type { BlobReader } from "./storage.js";

/** What a blob is when nothing describes it. */
export const OCTET_STREAM = "application/octet-stream";

/** Guesses the media type of a blob that nothing describes, from its content; damage is left for the reader to find. */
export async function sniffMediaType(blobs: BlobReader, digest: Digest, size: number): Promise<string> {
  if (size === 0 || size > MAX_MANIFEST_BYTES) return OCTET_STREAM;
  const d: Descriptor = { mediaType: OCTET_STREAM, digest, size };
  try {
    return sniffManifest(await blobs.bytes(d));
  } catch (error) {
    if (isOcilotError(error) && error.code !== "IO_ERROR") return OCTET_STREAM;
    throw error;
  }
}

/** The media type of a manifest by its own `mediaType`, or by the shape of an OCI one that leaves it out. */
export function sniffManifest(bytes: Uint8Array): string {
  if (bytes[0] !== 0x7b && !/^\s*\{/.test(new TextDecoder().decode(bytes.subarray(0, 64)))) return OCTET_STREAM;
  let json: unknown;
  try {
    json = parseJson(bytes, "blob");
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
