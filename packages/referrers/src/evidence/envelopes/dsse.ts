import type { Digest } from "@ocilot/layout/spec";
import { type OpenedContent, malformed, openedContent, strictText } from "../content.js";
import { decodeBase64 } from "../encoding/base64.js";
import { decodeString, firstElement, memberText, outlineOf } from "../encoding/json-outline.js";
import type { StatementClass } from "../statement.js";
import { readInToto } from "./in-toto.js";

const ENVELOPE: StatementClass = { kind: "attestation", format: "dsse", encoding: "json" };
const IN_TOTO = "application/vnd.in-toto+json";

/**
 * Reads a DSSE envelope and the in-toto statement in it. An envelope within an envelope is not opened.
 * @see https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
 */
export function readDsse(text: string, expected: Digest | undefined): OpenedContent {
  const root = outlineOf(text);
  if (root?.isWhole !== true) return malformed(ENVELOPE, "it is not a whole JSON object");
  if (root.duplicate !== undefined) return malformed(ENVELOPE, `the member ${JSON.stringify(root.duplicate)} stands twice`);
  const keyHint = memberText(text, firstElement(text, root, "signatures"), "keyid") || undefined;
  const signer = { hasLogEntry: false, hasTimestamp: false, ...(keyHint !== undefined && { keyHint }) };
  const type = memberText(text, root, "payloadType");
  const payload = root.members.get("payload");
  const encoded = payload?.type === "string" ? decodeString(text.slice(payload.start, payload.end)) : undefined;
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (bytes === undefined) return malformed({ ...ENVELOPE, signer }, "its payload is not base64");
  if (type !== IN_TOTO) {
    const isNested = type !== undefined && /dsse|sigstore\.bundle/.test(type);
    const message = `its payload is ${isNested ? "another envelope" : "no in-toto statement"}, but ${JSON.stringify(type ?? null)}`;
    return openedContent({
      ...ENVELOPE,
      signer,
      steps: ["dsse"],
      document: bytes,
      notes: isNested ? [{ code: "NESTED", message }] : [],
    });
  }
  const statement = strictText(bytes);
  if (statement === undefined) return malformed({ ...ENVELOPE, signer }, "its payload is not UTF-8");
  const inner = readInToto(statement, expected);
  return { ...inner, signer, steps: ["dsse", ...inner.steps] };
}
