import {
  type Descriptor,
  EMPTY_JSON,
  IMAGE_CONFIG,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  type JsonNode,
  type Manifest,
  bareDescriptor,
  descriptorNode,
  wholeDescriptorNode,
  goJson,
  sortedMembers,
} from "@ocilot/layout/spec";
import type { CosignForm } from "../conventions/digest-tag.js";
import { EMPTY_DESCRIPTOR } from "../write/artifact-manifest.js";
import { artifactTypeOf } from "../evidence/artifact-type-of.js";
import { ATTESTATION_TYPE } from "../evidence/wrappings/buildkit.js";
import { LIFTED_FROM } from "./lifted.js";

/** What a manifest is, and so what it becomes when it gets a subject. */
export type LiftForm = "attestation" | CosignForm | "image" | "index" | "artifact";

/** A manifest with a subject, still without a digest. */
export interface LiftedManifest {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly text: string;
}

/**
 * What cosign gives them where it writes referrers: signatures and SBOMs keep their config under the artifact type as its
 * media type, DSSE attestations are told by what is in the envelope.
 * @see https://github.com/sigstore/cosign/blob/v3.1.1/pkg/oci/remote/write.go
 */
const COSIGN_TYPES: Readonly<Record<CosignForm, string>> = {
  sig: "application/vnd.dev.cosign.artifact.sig.v1+json",
  sbom: "application/vnd.dev.cosign.artifact.sbom.v1+json",
  att: "application/vnd.in-toto+json",
};
/** What oras says of an artifact of which nobody says what it is. */
const UNKNOWN_TYPE = "application/vnd.unknown.artifact.v1";
/** BuildKit's: two spaces, and nothing behind the last brace. */
const INDENTED = { lead: (depth: number): string => `\n${"  ".repeat(depth)}`, comma: ",", colon: ": " };

/**
 * The manifest that says the same about `subject` in its own bytes. The layers are those of the original, with all that is
 * known of them; the same input gives the same text.
 * @param hint the artifact type that a record names, for an image that does not say what it is
 */
export function liftedManifest(form: LiftForm, original: Manifest, from: Descriptor, subject: Descriptor, hint?: string): LiftedManifest {
  const annotations = form === "attestation" ? original.annotations : { ...original.annotations, [LIFTED_FROM]: from.digest };
  const { config, artifactType } = identityOf(form, original, hint);
  const isIndex = form === "index";
  const mediaType = isIndex ? IMAGE_INDEX : IMAGE_MANIFEST;
  const parts = isIndex ? original.manifests : original.layers;
  const members: [string, JsonNode][] = [
    ["schemaVersion", 2],
    ["mediaType", mediaType],
    ...(artifactType === undefined ? [] : [["artifactType", artifactType] as [string, JsonNode]]),
    ...(config === undefined ? [] : [["config", wholeDescriptorNode(config)] as [string, JsonNode]]),
    [isIndex ? "manifests" : "layers", (parts.length > 0 || isIndex ? parts : [EMPTY_DESCRIPTOR]).map(wholeDescriptorNode)],
    ["subject", descriptorNode(bareDescriptor(subject))],
    ...(Object.keys(annotations).length === 0 ? [] : [["annotations", sortedMembers(annotations)] as [string, JsonNode]]),
  ];
  const text = form === "attestation" ? goJson({ members }, INDENTED) : goJson({ members });
  return { mediaType, text, ...(artifactType !== undefined && { artifactType }) };
}

function identityOf(form: LiftForm, original: Manifest, hint?: string): { config?: Descriptor; artifactType?: string } {
  const { config, artifactType } = original;
  switch (form) {
    case "attestation":
      return { config: EMPTY_DESCRIPTOR, artifactType: ATTESTATION_TYPE };
    case "sig":
    case "sbom":
      return { config: { ...(config ?? EMPTY_DESCRIPTOR), mediaType: COSIGN_TYPES[form] }, artifactType: COSIGN_TYPES[form] };
    case "att":
      return { config: EMPTY_DESCRIPTOR, artifactType: COSIGN_TYPES.att };
    case "artifact":
      return { config: EMPTY_DESCRIPTOR, artifactType: artifactType ?? artifactTypeOf(original) ?? UNKNOWN_TYPE };
    case "index":
      return { ...((artifactType ?? hint) !== undefined && { artifactType: artifactType ?? hint! }) };
    case "image": {
      const tellsNothing = artifactType === undefined || artifactType === IMAGE_CONFIG || artifactType === EMPTY_JSON;
      const type = tellsNothing ? (hint ?? artifactTypeOf(original)) : artifactType;
      return { config: config ?? EMPTY_DESCRIPTOR, ...(type !== undefined && { artifactType: type }) };
    }
  }
}
