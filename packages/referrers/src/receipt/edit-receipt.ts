import { type Digest, compareDigests } from "@ocilot/layout";
import { RECEIPT_TYPE, type Receipt, type ReceiptReferrer, type ReceiptRoot, sealOf } from "./receipt.js";

/** Returns the receipt of what several receipts list together. */
export function mergeReceipts(receipts: readonly Receipt[]): Receipt {
  const roots = new Map<string, ReceiptRoot>();
  const blobs = new Map<Digest, Receipt["blobs"][number]>();
  const referrers = new Map<string, ReceiptReferrer>();
  for (const r of receipts) {
    for (const root of r.roots) roots.set(`${root.tag ?? ""} ${root.digest}`, root);
    for (const blob of r.blobs) blobs.set(blob.digest, blob);
    for (const edge of r.referrers) referrers.set(`${edge.subject} ${edge.referrer}`, edge);
  }
  return sorted([...roots.values()], [...blobs.values()], [...referrers.values()]);
}

/** Returns the receipt with other tags; a root whose name is undefined keeps its digest only. */
export function renameRoots(receipt: Receipt, nameOf: (tag: string) => string | undefined): Receipt {
  const roots = receipt.roots.map(({ digest, tag }) => {
    const name = tag === undefined ? undefined : nameOf(tag);
    return { digest, ...(name !== undefined && { tag: name }) };
  });
  return mergeReceipts([sorted(roots, receipt.blobs, receipt.referrers)]);
}

/** Returns the receipt without tags and without what referrers state: nothing but digests and sizes. */
export function redactReceipt(receipt: Receipt): Receipt {
  const referrers = receipt.referrers.map(({ subject, referrer }) => ({ subject, referrer }));
  return renameRoots(sorted(receipt.roots, receipt.blobs, referrers), () => undefined);
}

function sorted(roots: readonly ReceiptRoot[], blobs: Receipt["blobs"], referrers: readonly ReceiptReferrer[]): Receipt {
  const content = {
    type: RECEIPT_TYPE,
    roots: roots.toSorted((a, b) => compareDigests(a.tag ?? "", b.tag ?? "") || compareDigests(a.digest, b.digest)),
    blobs: blobs.toSorted((a, b) => compareDigests(a.digest, b.digest)),
    referrers: referrers.toSorted((a, b) => compareDigests(a.subject, b.subject) || compareDigests(a.referrer, b.referrer)),
  } as const;
  return { ...content, digest: sealOf(content) };
}
