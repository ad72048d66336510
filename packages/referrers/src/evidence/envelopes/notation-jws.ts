import type { Digest } from "@ocilot/layout/spec";
import { type OpenedContent, malformed, strictText } from "../content.js";
import { decodeBase64 } from "../encoding/base64.js";
import { type JsonOutline, memberOutline, memberText, outlineOf } from "../encoding/json-outline.js";
import type { StatementClass } from "../statement.js";
import { openedNotation } from "./notation-payload.js";

/** So many characters of a chain are read. */
const MAX_CHAIN = 256 * 1024;
const JWS: StatementClass = { kind: "signature", format: "notation-jws", encoding: "json" };

/**
 * Reads a signature of notation in the JWS JSON serialization.
 * @see https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-jws.md
 */
export function readNotationJws(text: string, expected: Digest | undefined): OpenedContent {
  const root = outlineOf(text);
  if (root?.isWhole !== true) return malformed(JWS, "it is not a whole JSON object");
  const payload = decodedMember(text, root, "payload");
  if (payload === undefined) return malformed(JWS, "its payload is not base64");
  const header = decodedMember(text, root, "protected") ?? "";
  const time = memberText(header, outlineOf(header), "io.cncf.notary.signingTime");
  const unprotected = memberOutline(text, root, "header");
  return openedNotation(JWS, payload, expected, {
    certificate: jwsChain(text)[0],
    hasTimestamp: unprotected?.members.has("io.cncf.notary.timestampSignature") === true,
    ...(time !== undefined && /^\d{4}-\d\d-\d\dT[\d:.]{8,20}(Z|[+-]\d\d:\d\d)$/.test(time) && { time }),
  });
}

function decodedMember(text: string, root: JsonOutline, key: string): string | undefined {
  const bytes = decodeBase64(memberText(text, root, key) ?? "");
  return bytes === undefined || bytes.length === 0 ? undefined : strictText(bytes);
}

/** The certificates of the signer in DER, the leaf first; none where they cannot be read. */
export function jwsChain(text: string): readonly Uint8Array[] {
  const header = memberOutline(text, outlineOf(text), "header");
  const member = header?.members.get("x5c");
  if (member?.type !== "array" || member.end - member.start > MAX_CHAIN) return [];
  try {
    const list: unknown = JSON.parse(text.slice(member.start, member.end));
    const certificates = (list as readonly unknown[]).map((item) => (typeof item === "string" ? decodeBase64(item) : undefined));
    return certificates.every((der) => der !== undefined) ? certificates : [];
  } catch {
    return [];
  }
}
