import {
  type Descriptor,
  type Manifest,
  OcilotError,
  type ValuePool,
  isOcilotError,
  manifestKind,
  parseManifest,
  type parseManifestAsGo,
  sharedMap,
} from "@ocilot/layout/web";
import { type ManifestNode } from "./layout-view.js";

/** How the manifests of one view are parsed. */
export interface NodeParsing {
  /** Equal values of several manifests. */
  readonly sharing: ValuePool;
  /** Whether a manifest that was opened was refused for its content. */
  readonly refused: { any: boolean };
  /** Manifests are parsed by this instead of {@link parseManifest}. */
  readonly parse?: typeof parseManifestAsGo;
}

type WithAnnotations = Omit<Manifest, "annotations"> & { annotations: Manifest["annotations"] };

/** Parses what a store returned for a descriptor. */
export function toNode(
  descriptor: Descriptor,
  bytes: Uint8Array | OcilotError,
  { sharing, refused, parse = parseManifest }: NodeParsing,
): ManifestNode {
  if (bytes instanceof OcilotError) {
    return isOcilotError(bytes, "BLOB_NOT_FOUND") ? { state: "absent", descriptor } : { state: "damaged", descriptor, error: bytes };
  }
  if (manifestKind(descriptor.mediaType) === undefined) return { state: "blob", descriptor };
  try {
    const manifest: WithAnnotations = parse(bytes, descriptor.mediaType, descriptor.digest, sharing);
    // It is new, so nobody has seen the other, equal map.
    manifest.annotations = sharedMap(manifest.annotations, descriptor.annotations);
    return { state: "read", descriptor, manifest };
  } catch (error) {
    if (!isOcilotError(error)) throw error;
    if (isOcilotError(error, "DOCUMENT_INVALID", "DESCRIPTOR_INVALID", "DIGEST_INVALID")) refused.any = true;
    return { state: "damaged", descriptor, error };
  }
}

/** The same content under the descriptor that was asked for: what a line says of it is not what an entry says. */
export function describedBy(node: ManifestNode, descriptor: Descriptor): ManifestNode {
  if (node.descriptor === descriptor) return node;
  // Copies of the common kind are many.
  return node.state === "read" ? { state: "read", descriptor, manifest: node.manifest } : { ...node, descriptor };
}
