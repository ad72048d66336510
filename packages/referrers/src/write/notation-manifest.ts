import {
  CREATED,
  type Descriptor,
  IMAGE_MANIFEST,
  OcilotError,
  bareDescriptor,
  descriptorNode,
  digestOf,
  goJson,
  sortedMembers,
  splitDigest,
} from "@ocilot/layout/web";
import { coseChain } from "../evidence/envelopes/notation-cose.js";
import { jwsChain } from "../evidence/envelopes/notation-jws.js";
import { guessContent } from "../evidence/guess.js";
import { readContent } from "../evidence/read-content.js";
import { EMPTY_DESCRIPTOR } from "./artifact-manifest.js";

const SIGNATURE_TYPE = "application/vnd.cncf.notary.signature";
const THUMBPRINTS = "io.cncf.notary.x509chain.thumbprint#S256";

/** What the manifest of a notation signature says besides its subject. */
export interface NotationSignature {
  /** The media type of the layer: JWS or COSE. */
  readonly mediaType: string;
  /** The SHA-256 thumbprints of the certificate chain. */
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * What a signature of notation is to be attached as, from its content.
 * @throws OcilotError `DOCUMENT_INVALID` for what is no such signature, or one without certificates
 */
export function describeNotationSignature(bytes: Uint8Array): NotationSignature {
  const guess = guessContent(bytes);
  const isCose = guess?.format === "notation-cose";
  const opened = isCose || guess?.format === "notation-jws" ? readContent(bytes, guess, undefined) : undefined;
  const malformed = opened?.notes.find((n) => n.code === "MALFORMED");
  const chain = isCose ? coseChain(bytes) : jwsChain(new TextDecoder().decode(bytes));
  if (opened === undefined || malformed !== undefined || chain.length === 0 || guess?.mediaType === undefined) {
    const reason = malformed?.message ?? (opened === undefined ? "it is neither JWS nor COSE" : "it has no certificates");
    throw new OcilotError("DOCUMENT_INVALID", `not a notation signature: ${reason}`, { document: "signature", path: "$", reason });
  }
  const thumbprints = chain.map((der) => splitDigest(digestOf(der)).encoded);
  return { mediaType: guess.mediaType, annotations: { [THUMBPRINTS]: JSON.stringify(thumbprints) } };
}

/** The parts of the manifest of a signature. */
export interface NotationManifest extends NotationSignature {
  readonly layer: Descriptor;
  readonly subject: Descriptor;
  /** RFC 3339. */
  readonly created?: string;
}

/**
 * The text of the manifest of a signature as notation 1.3 writes it, byte for byte: the type stands on the config descriptor,
 * where every version of notation finds it, and there is no `artifactType`.
 * @see https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-specification.md#oci-signatures
 */
export function notationManifest({ annotations, layer, subject, created }: NotationManifest): string {
  const { data: _, ...empty } = EMPTY_DESCRIPTOR;
  return goJson({
    members: [
      ["schemaVersion", 2],
      ["mediaType", IMAGE_MANIFEST],
      ["config", descriptorNode({ ...empty, mediaType: SIGNATURE_TYPE })],
      ["layers", [descriptorNode(layer)]],
      ["subject", descriptorNode(bareDescriptor(subject))],
      ["annotations", sortedMembers({ ...annotations, ...(created !== undefined && { [CREATED]: created }) })],
    ],
  });
}
