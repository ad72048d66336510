import { CREATED, type Descriptor, IMAGE_MANIFEST, type JsonNode, OcilotError, goJson, sortedMembers } from "@ocilot/layout/spec";
import { guessContent } from "../evidence/guess.js";
import { readContent } from "../evidence/read-content.js";
import { EMPTY_DESCRIPTOR } from "./artifact-manifest.js";

/** What the manifest of a sigstore bundle says besides its subject. */
export interface SigstoreBundle {
  /** The artifact type, which is the media type of the layer too. */
  readonly mediaType: string;
  /** The annotations by which cosign and Kubernetes policy controllers choose among bundles. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * What a sigstore bundle is to be attached as, from its content.
 * @throws OcilotError `DOCUMENT_INVALID` for what is no bundle, or one that cannot be opened
 */
export function describeSigstoreBundle(bytes: Uint8Array): SigstoreBundle {
  const guess = guessContent(bytes);
  const opened = guess?.format === "sigstore-bundle" ? readContent(bytes, guess, undefined) : undefined;
  const malformed = opened?.notes.find((n) => n.code === "MALFORMED" || n.code === "NESTED");
  if (opened === undefined || malformed !== undefined || guess?.mediaType === undefined) {
    const reason = malformed?.message ?? "it has no mediaType of a sigstore bundle";
    throw new OcilotError("DOCUMENT_INVALID", `not a sigstore bundle: ${reason}`, { document: "bundle", path: "$", reason });
  }
  const isEnvelope = opened.steps.includes("dsse");
  return {
    mediaType: guess.mediaType,
    annotations: {
      "dev.sigstore.bundle.content": isEnvelope ? "dsse-envelope" : "message-signature",
      ...(opened.predicateType !== undefined && { "dev.sigstore.bundle.predicateType": opened.predicateType }),
    },
  };
}

/** The parts of the manifest of a bundle. */
export interface SigstoreBundleManifest extends SigstoreBundle {
  readonly layer: Descriptor;
  readonly subject: Descriptor;
  /** RFC 3339. */
  readonly created?: string;
}

/**
 * The text of the manifest of a sigstore bundle as cosign 3 writes it, byte for byte: its order of members, and the artifact
 * type on the config descriptor too.
 * @see https://github.com/sigstore/cosign/blob/v3.1.1/pkg/oci/remote/write.go
 */
export function sigstoreBundleManifest({ mediaType, annotations, layer, subject, created }: SigstoreBundleManifest): string {
  const all = { ...annotations, ...(created !== undefined && { [CREATED]: created }) };
  const config = { ...EMPTY_DESCRIPTOR, artifactType: mediaType };
  return goJson({
    members: [
      ["schemaVersion", 2],
      ["mediaType", IMAGE_MANIFEST],
      ["config", descriptorNode(config)],
      ["layers", [descriptorNode(layer)]],
      ["annotations", sortedMembers(all)],
      ["subject", descriptorNode(subject)],
      ["artifactType", mediaType],
    ],
  });
}

/** A descriptor in the order of go-containerregistry. */
function descriptorNode({ mediaType, size, digest, annotations, artifactType }: Descriptor): JsonNode {
  return {
    members: [
      ["mediaType", mediaType],
      ["size", size],
      ["digest", digest],
      ...(annotations === undefined ? [] : ([["annotations", sortedMembers(annotations)]] as const)),
      ...(artifactType === undefined ? [] : ([["artifactType", artifactType]] as const)),
    ],
  };
}
