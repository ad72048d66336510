import type { Digest } from "@ocilot/layout";
import { type Receipt, type ReceiptReferrer, type ReceiptRoot, sealedReceipt } from "./receipt.js";

/**
 * Returns the receipt of what several receipts list together.
 * @example
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { mergeReceipts, parseReceipt, receiptText } from "@ocilot/referrers";
 *
 * const receipts = await Promise.all(["a.json", "b.json"].map(async (name) => parseReceipt(await readFile(name), name)));
 * await writeFile("./receipt.json", receiptText(mergeReceipts(receipts)));
 * ```
 */
export function mergeReceipts(receipts: readonly Receipt[]): Receipt {
  const roots = new Map<string, ReceiptRoot>();
  const blobs = new Map<Digest, Receipt["blobs"][number]>();
  const referrers = new Map<string, ReceiptReferrer>();
  for (const r of receipts) {
    for (const root of r.roots) roots.set(`${root.tag ?? ""} ${root.digest}`, root);
    for (const blob of r.blobs) blobs.set(blob.digest, blob);
    for (const edge of r.referrers) referrers.set(`${edge.subject} ${edge.referrer}`, edge);
  }
  return sealedReceipt([...roots.values()], [...blobs.values()], [...referrers.values()]);
}

/**
 * Returns the receipt with other tags; a root whose name is undefined keeps its digest only.
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parseReceipt, renameRoots } from "@ocilot/referrers";
 *
 * const receipt = parseReceipt(await readFile("./receipt.json"), "receipt.json");
 * console.log(renameRoots(receipt, (tag) => `registry.example/${tag}`).roots);
 * ```
 */
export function renameRoots(receipt: Receipt, nameOf: (tag: string) => string | undefined): Receipt {
  const roots = receipt.roots.map(({ digest, tag }) => {
    const name = tag === undefined ? undefined : nameOf(tag);
    return { digest, ...(name !== undefined && { tag: name }) };
  });
  return mergeReceipts([sealedReceipt(roots, receipt.blobs, receipt.referrers)]);
}

/**
 * Returns the receipt without tags and without what referrers state: nothing but digests and sizes.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { makeReceipt, receiptText, redactReceipt, verifyLayout } from "@ocilot/referrers";
 *
 * const { evidence } = await verifyLayout(await Layout.open("./layout"));
 * if (evidence !== undefined) console.log(receiptText(redactReceipt(await makeReceipt(evidence))));
 * ```
 */
export function redactReceipt(receipt: Receipt): Receipt {
  const referrers = receipt.referrers.map(({ subject, referrer }) => ({ subject, referrer }));
  return renameRoots(sealedReceipt(receipt.roots, receipt.blobs, referrers), () => undefined);
}
