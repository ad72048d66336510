import type { Digest } from "@ocilot/layout/spec";
import { NamedSubjects, type OpenedContent, malformed, openedContent } from "../content.js";
import { decodeBase64, toHex } from "../encoding/base64.js";
import { readCertificate } from "../encoding/certificate.js";
import { type JsonOutline, firstElement, memberOutline, memberText, outlineOf } from "../encoding/json-outline.js";
import { guessText } from "../guess.js";
import type { CertificateClaims, SignerClaims, StatementClass } from "../statement.js";
import { secondsText } from "../time-text.js";
import { readDsse } from "./dsse.js";

/** Names of sigstore's hash algorithms, as image-spec calls them. */
const ALGORITHMS: Readonly<Record<string, string>> = { SHA2_256: "sha256", SHA2_384: "sha384", SHA2_512: "sha512" };

/**
 * Reads a sigstore bundle: the material that would verify it, and the DSSE envelope or the digest that was signed.
 * @see https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
 */
export function readSigstoreBundle(text: string, expected: Digest | undefined): OpenedContent {
  const version = guessText(text)?.version;
  const bundle: StatementClass = {
    kind: "signature",
    format: "sigstore-bundle",
    encoding: "json",
    ...(version !== undefined && { version }),
  };
  const root = outlineOf(text);
  if (root?.isWhole !== true) return malformed(bundle, "it is not a whole JSON object");
  if (root.duplicate !== undefined) return malformed(bundle, `the member ${JSON.stringify(root.duplicate)} stands twice`);
  const signer = signerOf(text, memberOutline(text, root, "verificationMaterial"));
  const envelope = root.members.get("dsseEnvelope");
  if (envelope?.type === "object") {
    const inner = readDsse(text.slice(envelope.start, envelope.end), expected);
    const isSignature = inner.kind === "signature";
    return {
      ...inner,
      ...(isSignature && bundle),
      signer: { ...inner.signer, ...signer },
      steps: ["sigstore-bundle", ...inner.steps],
    };
  }
  const message = memberOutline(text, root, "messageSignature");
  const digest = memberOutline(text, message, "messageDigest");
  if (digest === undefined) return malformed({ ...bundle, signer }, "it has neither an envelope nor the digest of a message");
  const algorithm = ALGORITHMS[memberText(text, digest, "algorithm") ?? ""];
  const bytes = decodeBase64(memberText(text, digest, "digest") ?? "");
  const named = new NamedSubjects(expected);
  if (algorithm !== undefined && bytes !== undefined) named.add([`${algorithm}:${toHex(bytes)}`]);
  return openedContent({ ...bundle, signer, ...named.result() });
}

function signerOf(text: string, material: JsonOutline | undefined): SignerClaims {
  const log = firstElement(text, material, "tlogEntries");
  const timestamps = memberOutline(text, material, "timestampVerificationData");
  const keyHint = memberText(text, memberOutline(text, material, "publicKey"), "hint");
  const certificate = certificateOf(text, material);
  const time = secondsText(memberText(text, log, "integratedTime"));
  return {
    ...(keyHint !== undefined && { keyHint }),
    ...(certificate !== undefined && { certificate }),
    ...(time !== undefined && { time }),
    hasLogEntry: log !== undefined,
    hasTimestamp: firstElement(text, timestamps, "rfc3161Timestamps") !== undefined,
  };
}

function certificateOf(text: string, material: JsonOutline | undefined): CertificateClaims | undefined {
  const chain = memberOutline(text, material, "x509CertificateChain");
  const holder = memberOutline(text, material, "certificate") ?? firstElement(text, chain, "certificates");
  const der = decodeBase64(memberText(text, holder, "rawBytes") ?? "");
  return der === undefined ? undefined : readCertificate(der);
}
