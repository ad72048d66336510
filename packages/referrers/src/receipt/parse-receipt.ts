import { type Digest, OcilotError, isDigest, isRecord, parseJson } from "@ocilot/layout";
import { STATEMENT_KINDS, type StatementKind } from "../evidence/statement.js";
import { RECEIPT_TYPE, type Receipt, type ReceiptReferrer, type ReceiptRoot, sealOf } from "./receipt.js";

/**
 * Parses a receipt and checks its own digest.
 * @param name of the file, for messages
 * @throws OcilotError `DOCUMENT_INVALID` with a JSON path, `LIMIT_EXCEEDED`
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parseReceipt } from "@ocilot/referrers";
 *
 * const { roots, blobs } = parseReceipt(await readFile("./receipt.json"), "receipt.json");
 * console.log(roots.length, blobs.length);
 * ```
 */
export function parseReceipt(bytes: Uint8Array, name: string): Receipt {
  const json = parseJson(bytes, name);
  if (!isRecord(json)) throw invalid("$", "is not an object");
  if (json["type"] !== RECEIPT_TYPE) throw invalid("$.type", `is not ${RECEIPT_TYPE}`);
  const content = {
    type: RECEIPT_TYPE,
    roots: list("roots", (r, path): ReceiptRoot => {
      const { tag } = r;
      if (tag !== undefined && (typeof tag !== "string" || tag === "")) throw invalid(`${path}.tag`, "is not a tag");
      return { digest: digest(r, "digest", path), ...(tag !== undefined && { tag }) };
    }),
    blobs: list("blobs", (b, path) => {
      const { size } = b;
      if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalid(`${path}.size`, "is not a size in bytes");
      return { digest: digest(b, "digest", path), size };
    }),
    referrers: list("referrers", (r, path): ReceiptReferrer => {
      const { kinds } = r;
      if (kinds !== undefined && !isKinds(kinds)) throw invalid(`${path}.kinds`, `is no list of ${STATEMENT_KINDS.join(", ")}`);
      return { subject: digest(r, "subject", path), referrer: digest(r, "referrer", path), ...(kinds !== undefined && { kinds }) };
    }),
  } as const;
  const seal = sealOf(content);
  if (json["digest"] !== seal) throw invalid("$.digest", `does not fit the rest, whose digest is ${seal}: the receipt was changed`);
  return { ...content, digest: seal };

  function list<T>(member: string, item: (value: Record<string, unknown>, path: string) => T): T[] {
    const value = (json as Record<string, unknown>)[member];
    if (!Array.isArray(value)) throw invalid(`$.${member}`, "is not an array");
    return value.map((v: unknown, i) => {
      const path = `$.${member}[${i}]`;
      if (!isRecord(v)) throw invalid(path, "is not an object");
      return item(v, path);
    });
  }

  function digest(value: Record<string, unknown>, member: string, path: string): Digest {
    const text = value[member];
    if (!isDigest(text)) throw invalid(`${path}.${member}`, "is not a digest");
    return text;
  }

  function invalid(path: string, reason: string): OcilotError<"DOCUMENT_INVALID"> {
    return new OcilotError(
      "DOCUMENT_INVALID",
      `${name}: ${path} ${reason}`,
      { document: name, path, reason },
      {
        hint: "Make a receipt with: ocilot verify LAYOUT --receipt FILE",
      },
    );
  }
}

function isKinds(value: unknown): value is readonly StatementKind[] {
  return Array.isArray(value) && value.every((kind) => (STATEMENT_KINDS as readonly unknown[]).includes(kind));
}
