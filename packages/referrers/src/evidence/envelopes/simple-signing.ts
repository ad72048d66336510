import { type Digest, isRecord } from "@ocilot/layout/spec";
import { NamedSubjects, type OpenedContent, malformed, openedContent } from "../content.js";
import { decodeBase64, decodePem } from "../encoding/base64.js";
import { readCertificate } from "../encoding/certificate.js";
import { memberOutline, memberText, outlineOf } from "../encoding/json-outline.js";
import type { SignerClaims, StatementClass } from "../statement.js";
import { secondsText } from "../time-text.js";

const PAYLOAD: StatementClass = { kind: "signature", format: "cosign-simple-signing", encoding: "json" };
const MAX_LOG_ENTRY = 1024 * 1024;

/**
 * Reads the payload that cosign signs unless it writes bundles. The signature itself stands in an annotation of the layer.
 * @see https://github.com/sigstore/cosign/blob/v2.6.0/specs/SIGNATURE_SPEC.md
 */
export function readSimpleSigning(text: string, expected: Digest | undefined): OpenedContent {
  const root = outlineOf(text);
  if (root?.isWhole !== true) return malformed(PAYLOAD, "it is not a whole JSON object");
  const image = memberOutline(text, memberOutline(text, root, "critical"), "image");
  const digest = memberText(text, image, "docker-manifest-digest");
  if (digest === undefined) return malformed(PAYLOAD, "it names no manifest");
  const named = new NamedSubjects(expected);
  named.add([digest]);
  return openedContent({ ...PAYLOAD, ...named.result() });
}

/** What the annotations of a layer say of who signed it; undefined where they say nothing. */
export function signerOfAnnotations(annotations: Readonly<Record<string, string>> | undefined): SignerClaims | undefined {
  if (annotations === undefined) return undefined;
  const pem = annotations["dev.sigstore.cosign/certificate"];
  const der = pem === undefined ? undefined : (decodePem(pem) ?? decodeBase64(pem));
  const certificate = der === undefined ? undefined : readCertificate(der);
  const log = annotations["dev.sigstore.cosign/bundle"];
  const time = log === undefined ? undefined : logTime(log);
  const hasTimestamp = Boolean(annotations["dev.sigstore.cosign/rfc3161timestamp"]);
  if (!Object.hasOwn(annotations, "dev.cosignproject.cosign/signature") && certificate === undefined && !log && !hasTimestamp)
    return undefined;
  return {
    ...(certificate !== undefined && { certificate }),
    ...(time !== undefined && { time }),
    hasLogEntry: Boolean(log),
    hasTimestamp,
  };
}

function logTime(log: string): string | undefined {
  try {
    const value: unknown = log.length > MAX_LOG_ENTRY ? undefined : JSON.parse(log);
    const payload = isRecord(value) ? value["Payload"] : undefined;
    const time = isRecord(payload) ? payload["integratedTime"] : undefined;
    return typeof time === "number" ? secondsText(time) : undefined;
  } catch {
    return undefined;
  }
}
