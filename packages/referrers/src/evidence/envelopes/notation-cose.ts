import type { Digest } from "@ocilot/layout/spec";
import { type OpenedContent, malformed, strictText } from "../content.js";
import { type CborValue, readCbor } from "../encoding/cbor.js";
import type { StatementClass } from "../statement.js";
import { secondsText } from "../time-text.js";
import { openedNotation } from "./notation-payload.js";

const COSE: StatementClass = { kind: "signature", format: "notation-cose", encoding: "binary" };
/** RFC 9360: the chain, the leaf first. */
const X5CHAIN = 33;

/**
 * Reads a signature of notation as COSE_Sign1.
 * @see https://github.com/notaryproject/specifications/blob/v1.1.0/specs/signature-envelope-cose.md
 */
export function readNotationCose(bytes: Uint8Array, expected: Digest | undefined): OpenedContent {
  const parts = readCbor(bytes);
  if (!Array.isArray(parts) || parts.length !== 4) return malformed(COSE, "it is no COSE_Sign1 structure");
  const [header, unprotected, payload] = parts as readonly CborValue[];
  const text = payload instanceof Uint8Array ? strictText(payload) : undefined;
  if (text === undefined) return malformed(COSE, "its payload is not text");
  const claims = header instanceof Uint8Array ? readCbor(header) : undefined;
  const signed = valueOf(claims, "io.cncf.notary.signingTime") ?? valueOf(claims, "io.cncf.notary.authenticSigningTime");
  const time = typeof signed === "number" ? secondsText(Math.floor(signed)) : undefined;
  return openedNotation(COSE, text, expected, {
    certificate: chainIn(unprotected)[0],
    hasTimestamp: valueOf(unprotected, "io.cncf.notary.timestampSignature") !== undefined,
    ...(time !== undefined && { time }),
  });
}

/** The certificates of the signer in DER, the leaf first; none where they cannot be read. */
export function coseChain(bytes: Uint8Array): readonly Uint8Array[] {
  const parts = readCbor(bytes);
  return Array.isArray(parts) ? chainIn((parts as readonly CborValue[])[1]) : [];
}

function chainIn(unprotected: CborValue): readonly Uint8Array[] {
  const chain = valueOf(unprotected, X5CHAIN);
  const list = Array.isArray(chain) ? (chain as readonly CborValue[]) : [chain];
  return list.every((der) => der instanceof Uint8Array) ? list : [];
}

function valueOf(map: CborValue, key: number | string): CborValue {
  return map instanceof Map ? (map as ReadonlyMap<number | string, CborValue>).get(key) : undefined;
}
