import type { CertificateClaims } from "../statement.js";
import { type DerElement, oidText, readDer } from "./der.js";

const SEQUENCE = 0x30;
const OID = 0x06;
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const COMMON_NAME = "2.5.4.3";
/** Fulcio's issuer: as bare text, and since 2023 as a DER string. */
const OIDC_ISSUER = "1.3.6.1.4.1.57264.1.1";
const OIDC_ISSUER_V2 = "1.3.6.1.4.1.57264.1.8";
/** The `otherName` that Fulcio gives identities of other forms. */
const OTHER_NAME = "1.3.6.1.4.1.57264.1.7";
const MAX_IDENTITIES = 16;
const MAX_TEXT = 1024;

/**
 * What an X.509 certificate in DER says of its holder; undefined where it is not one. Nothing is verified.
 * @see https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
 */
export function readCertificate(der: Uint8Array): CertificateClaims | undefined {
  const fields = sequence(sequence(readDer(der)?.[0])?.[0]);
  if (fields === undefined) return undefined;
  // [0] version, serial, algorithm, issuer, validity, subject, key, [3] extensions
  const at = fields[0]?.tag === 0xa0 ? 1 : 0;
  const issuer = commonName(fields[at + 2]);
  const validity = sequence(fields[at + 3]) ?? [];
  const subject = commonName(fields[at + 4]);
  const extensions = readExtensions(fields.find((f) => f.tag === 0xa3));
  const oidcIssuer = extensions.issuer;
  const [notBefore, notAfter] = validity.map(timeText);
  if (fields[at + 4]?.tag !== SEQUENCE) return undefined;
  return {
    identities: extensions.identities,
    ...(oidcIssuer !== undefined && { oidcIssuer }),
    ...(subject !== undefined && { subject }),
    ...(issuer !== undefined && { issuer }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
  };
}

function sequence(element: DerElement | undefined): readonly DerElement[] | undefined {
  return element?.tag === SEQUENCE ? readDer(element.content) : undefined;
}

/** The common name; else all that the name says. */
function commonName(name: DerElement | undefined): string | undefined {
  const pairs = (sequence(name) ?? []).flatMap((set) => {
    const [type, value] = sequence(readDer(set.content)?.[0]) ?? [];
    return type?.tag === OID && value !== undefined ? [{ type: oidText(type.content), value: text(value.content) }] : [];
  });
  return pairs.find((p) => p.type === COMMON_NAME)?.value ?? (pairs.map((p) => p.value).join(", ") || undefined);
}

function readExtensions(wrapper: DerElement | undefined): { identities: string[]; issuer?: string } {
  let identities: string[] = [];
  let issuer: string | undefined;
  for (const extension of sequence(wrapper && readDer(wrapper.content)?.[0]) ?? []) {
    const parts = sequence(extension) ?? [];
    const id = parts[0]?.tag === OID ? oidText(parts[0].content) : "";
    const value = parts[parts.length - 1]?.content ?? new Uint8Array(0);
    if (id === SUBJECT_ALTERNATIVE_NAME) identities = (sequence(readDer(value)?.[0]) ?? []).flatMap(identity).slice(0, MAX_IDENTITIES);
    else if (id === OIDC_ISSUER_V2) issuer = text(readDer(value)?.[0]?.content ?? value);
    else if (id === OIDC_ISSUER) issuer ??= text(value);
  }
  return { identities, ...(issuer !== undefined && { issuer }) };
}

/** RFC 5280, GeneralName: an e-mail address, a DNS name, a URI or Fulcio's other name. */
function identity({ tag, content }: DerElement): string[] {
  if (tag === 0x81 || tag === 0x82 || tag === 0x86) return [text(content)];
  if (tag !== 0xa0) return [];
  const [type, value] = readDer(content) ?? [];
  const inner = value === undefined ? undefined : readDer(value.content)?.[0];
  return type?.tag === OID && oidText(type.content) === OTHER_NAME && inner !== undefined ? [text(inner.content)] : [];
}

/** RFC 3339 of a UTCTime or a GeneralizedTime. */
function timeText({ tag, content }: DerElement): string | undefined {
  const digits = text(content);
  const full = tag === 0x17 ? `${Number(digits.slice(0, 2)) < 50 ? "20" : "19"}${digits}` : digits;
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  return found === null ? undefined : `${found[1]}-${found[2]}-${found[3]}T${found[4]}:${found[5]}:${found[6]}Z`;
}

function text(content: Uint8Array): string {
  return new TextDecoder().decode(content.subarray(0, MAX_TEXT));
}
