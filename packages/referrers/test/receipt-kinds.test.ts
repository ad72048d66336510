import { Ajv } from "ajv";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Receipt, compareReceipts, convert, makeReceipt, parseReceipt, receiptText, verifyLayout } from "@ocilot/referrers";
import { type Layout } from "@ocilot/layout";
import { fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { sealOf } from "../src/receipt/receipt.js";

const schema = JSON.parse(readFileSync(fileURLToPath(new URL("../schema/receipt.schema.json", import.meta.url)), "utf8")) as object;
const validate = new Ajv().compile(schema);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function receiptOf(layout: Layout): Promise<Receipt> {
  return await makeReceipt((await verifyLayout(layout)).evidence!);
}

describe("kinds in receipts", () => {
  it.each([
    ["evidence/cosign-2", ["attestation,provenance,sbom,vex,vulnerability-report", "sbom", "signature"]],
    ["evidence/notation", ["signature", "signature"]],
    ["edge/buildkit-sbom-and-provenance", ["provenance,sbom", "provenance,sbom"]],
  ])("%s: what each referrer states", async (name, kinds) => {
    const receipt = await receiptOf(fixtureLayout(name));
    expect(receipt.referrers.map((r) => r.kinds!.join(",")).toSorted()).toEqual(kinds);
    const text = receiptText(receipt);
    expect(parseReceipt(encode(text), "r.json")).toEqual(receipt);
    expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  it("are the same after a conversion", async () => {
    const layout = fixtureLayout("evidence/oras");
    const before = await receiptOf(layout);
    await convert(layout, { to: "universal" });
    expect(await receiptOf(layout)).toEqual(before);
  });

  it("a receipt without them, of an older version, is still read, and what it names is nothing new", async () => {
    const now = await receiptOf(fixtureLayout("evidence/oras"));
    const { digest: _, ...content } = { ...now, referrers: now.referrers.map(({ subject, referrer }) => ({ subject, referrer })) };
    const older = { ...content, digest: sealOf(content) };
    const read = parseReceipt(encode(receiptText(older)), "old.json");
    expect(read).toEqual(older);
    expect(compareReceipts(read, now, "x")).toEqual([]);
  });

  it("kinds that are none are refused", async () => {
    const receipt = await receiptOf(fixtureLayout("evidence/notation"));
    const text = receiptText(receipt).replace('["signature"]', '["sign"]');
    expect(() => parseReceipt(encode(text), "r.json")).toThrow(/\$\.referrers\[0\]\.kinds/);
  });
});
