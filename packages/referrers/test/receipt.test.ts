import { createHash } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { Layout, REF_NAME } from "@ocilot/layout";
import {
  type Receipt,
  TARGETS,
  attach,
  compareReceipts,
  convert,
  detach,
  makeReceipt,
  parseReceipt,
  receiptText,
  verifyLayout,
} from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder, fixtureNames, tempDir } from "@ocilot/testkit";

async function receiptOf(layout: Layout): Promise<Receipt> {
  return await makeReceipt((await verifyLayout(layout)).evidence!);
}

async function copyOf(name: string): Promise<Layout> {
  const dir = join(tempDir(), "layout");
  cpSync(join(FIXTURES, name), dir, { recursive: true });
  return await Layout.open(dir, { sync: false });
}

const codesOf = (before: Receipt, now: Receipt): string[] => [...new Set(compareReceipts(before, now, "x").map((f) => f.code))].toSorted();

describe("receipts", () => {
  it("is canonical, and its digest is that of the rest", async () => {
    const receipt = await receiptOf(await copyOf("layouts/oras"));
    const text = receiptText(receipt);
    expect(parseReceipt(Buffer.from(text), "r")).toEqual(receipt);
    const { digest, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect(Object.keys(JSON.parse(text) as object)).toEqual(["blobs", "digest", "referrers", "roots", "type"]);
    expect(digest).toBe(`sha256:${createHash("sha256").update(JSON.stringify(rest)).digest("hex")}`);
    expect(receipt.roots.map((r) => r.tag)).toContain("v1");
    expect(receipt.referrers).toHaveLength(3);
  });

  it("refuses a receipt that was changed", async () => {
    const text = receiptText(await receiptOf(await copyOf("layouts/oras")));
    const changed = text.replace('"tag":"v1"', '"tag":"v2"');
    expect(() => parseReceipt(Buffer.from(changed), "r")).toThrow(/\$\.digest does not fit/);
    for (const bad of ["", "[]", "{}", text.slice(0, 50), text.replace(/"size":\d+/, '"size":-1')]) {
      expect(() => parseReceipt(Buffer.from(bad), "r")).toThrow(expect.objectContaining({ code: "DOCUMENT_INVALID" }));
    }
  });

  it("stays the same whichever convention a bundle is converted to on its way", async () => {
    for (const name of fixtureNames("layouts")) {
      const layout = await copyOf(`layouts/${name}`);
      const before = await receiptOf(layout);
      for (const to of TARGETS) {
        await convert(layout, { to, scan: true }).catch(() => undefined);
        expect([name, to, compareReceipts(before, await receiptOf(layout), "x")]).toEqual([name, to, []]);
      }
    }
  });

  it("RECEIPT_LOST, RECEIPT_ADDED, RECEIPT_CHANGED", async () => {
    const layout = await copyOf("layouts/oras");
    const before = await receiptOf(layout);
    const root = before.roots.find((r) => r.tag === "v1")!;
    const added = await attach(layout, root.digest, { artifactType: "application/vnd.example.new", layers: [] });
    const more = await receiptOf(layout);
    expect(codesOf(before, more)).toEqual(["RECEIPT_ADDED"]);
    expect(codesOf(more, before)).toEqual(["RECEIPT_LOST"]);
    await layout.tag(added, "v1");
    expect(codesOf(more, await receiptOf(layout))).toEqual(["RECEIPT_CHANGED"]);
    await layout.untag("v1");
    expect(codesOf(more, await receiptOf(layout))).toContain("RECEIPT_LOST");
    await detach(layout, added.digest, { recursive: true });
    expect(compareReceipts(more, await receiptOf(layout), "x").some((f) => f.digest === added.digest)).toBe(true);
  });

  it("says how to fix a layout, in commands that can be typed, and nothing of the kind of two receipts", async () => {
    const layout = await copyOf("layouts/oras");
    const before = await receiptOf(layout);
    const root = before.roots.find((r) => r.tag === "v1")!;
    const added = await attach(layout, root.digest, { artifactType: "application/vnd.example.new", layers: [] });
    await layout.tag(added, "v1");
    const after = await receiptOf(layout);
    expect(compareReceipts(before, after, "dir").flatMap((f) => (f.fix === undefined ? [] : [[f.code, f.fix]]))).toEqual([
      ["RECEIPT_CHANGED", `ocilot tag dir@${root.digest} v1`],
    ]);
    const lost = compareReceipts(after, before, "dir").filter((f) => f.code === "RECEIPT_LOST");
    expect(new Set(lost.map((f) => f.fix))).toEqual(new Set(["ocilot copy SOURCE dir"]));
    for (const findings of [compareReceipts(before, after), compareReceipts(after, before)]) {
      expect(findings.length).toBeGreaterThan(1);
      for (const { fix, message } of findings) expect([fix, message]).toEqual([undefined, expect.stringMatching(/ (first|second)\b/)]);
    }
  });

  it("fits its schema, for every fixture", async () => {
    const schema = JSON.parse(readFileSync(fileURLToPath(new URL("../schema/receipt.schema.json", import.meta.url)), "utf8")) as object;
    const validate = new Ajv({ strict: true }).compile(schema);
    for (const name of fixtureNames("edge")) {
      const receipt = JSON.parse(receiptText(await receiptOf(await copyOf(`edge/${name}`)))) as unknown;
      expect([name, validate(receipt), validate.errors]).toEqual([name, true, null]);
    }
    expect(validate({ type: "x" })).toBe(false);
  });

  it("tells of an image that has no tag", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const before = await receiptOf(b.entry(image).layout());
    expect(before.roots).toEqual([{ digest: image.digest }]);
    const other = new LayoutBuilder();
    expect(codesOf(before, await receiptOf(other.layout()))).toEqual(["RECEIPT_LOST"]);
    expect(codesOf(await receiptOf(other.layout()), before)).toEqual(["RECEIPT_ADDED"]);
    expect(REF_NAME).toContain("ref.name");
  });
});
