import { OcilotError, isOcilotError } from "../errors.js";
import { readAsGo } from "./go-reading.js";
import { parseJson, readJson } from "./json.js";
import { MAX_MANIFEST_BYTES, type Manifest } from "./manifest.js";
import { type ManifestForm, continuedManifest, invalidManifest, manifestOf } from "./manifest-members.js";
import { manifestKind } from "./media-types.js";
import { documentsOf, parseSimilar } from "./similar-documents.js";
import type { ValuePool } from "./value-pool.js";

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
  if (kind === undefined) throw invalidManifest(name, "$", `${mediaType} is not a manifest type`);
  const form: ManifestForm = { kind, mediaType, name, sharing };
  const similar = sharing && parseSimilar(bytes, documentsOf(sharing));
  if (similar?.beginning !== undefined) return continuedManifest(similar.beginning, similar.members, form);
  return manifestOf(similar?.members ?? parseJson(bytes, name), form);
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
