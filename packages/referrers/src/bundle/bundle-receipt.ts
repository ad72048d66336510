import { type Layout, compareDigests } from "@ocilot/layout";
import { readGraph } from "../conventions/read-graph.js";
import { RECEIPT_TYPE, type Receipt, sealOf } from "../receipt/receipt.js";
import { findLists } from "../records/referrer-lists.js";
import { openView } from "../view/open-view.js";
import type { BlobSize, BundleRoot } from "./bundle-document.js";
import { fullName } from "./stage-bundle.js";

/** What a bundle is about, with what it leaves out. */
export interface BundleInventory {
  readonly roots: readonly BundleRoot[];
  readonly manifests: readonly BlobSize[];
  readonly blobs: readonly BlobSize[];
}

/**
 * Returns the receipt of everything that a bundle is about. It depends on `index.json`, manifests and sizes alone, so that the program that
 * receives a part can compute it too; what referrers state by their content is not in it.
 */
export async function bundleReceipt(layout: Layout, { roots, manifests, blobs }: BundleInventory): Promise<Receipt> {
  const view = await openView(layout);
  const listed = new Set(view.entries.map((e) => e.descriptor.digest));
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.descriptor.digest));
  const rootDigests = new Set(roots.map((r) => r.digest));
  const isRecord = ({ digest }: BlobSize): boolean => lists.has(digest) && listed.has(digest) && !rootDigests.has(digest);
  const tagged = new Set(roots.flatMap((r) => (r.tag === undefined ? [] : r.digest)));
  const named = roots.filter((r) => r.tag !== undefined || !tagged.has(r.digest));
  const content = {
    type: RECEIPT_TYPE,
    roots: named
      .map((r) => ({ digest: r.digest, ...(r.tag !== undefined && { tag: fullName(r)! }) }))
      .toSorted((a, b) => compareDigests(a.tag ?? "", b.tag ?? "") || compareDigests(a.digest, b.digest)),
    blobs: [...manifests.filter((m) => !isRecord(m)), ...blobs]
      .map(({ digest, size }) => ({ digest, size }))
      .toSorted((a, b) => compareDigests(a.digest, b.digest)),
    referrers: (await readGraph(view))
      .edges()
      .filter((e) => e.verified)
      .map((e) => ({ subject: e.subject, referrer: e.referrer.digest }))
      .toSorted((a, b) => compareDigests(a.subject, b.subject) || compareDigests(a.referrer, b.referrer)),
  } as const;
  return { ...content, digest: sealOf(content) };
}
