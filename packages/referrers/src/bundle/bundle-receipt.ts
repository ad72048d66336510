import type { Layout } from "@ocilot/layout";
import { readGraph } from "../conventions/read-graph.js";
import { rootImages } from "../conventions/root-images.js";
import { type Receipt, type ReceiptRoot, receiptContent, recordPositions, rootKey, sealedReceipt } from "../receipt/receipt.js";
import { splitName } from "../receipt/root-names.js";
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
 * Returns the receipt of everything that a bundle is about, with the roots that a receipt of the layout has. It depends on `index.json`,
 * manifests and sizes alone, so that the program that receives a part can compute it too; what referrers state by their content is not in it.
 */
export async function bundleReceipt(layout: Layout, { roots, manifests, blobs }: BundleInventory): Promise<Receipt> {
  const view = await openView(layout);
  const graph = await readGraph(view);
  const images = new Set((await rootImages(graph, view)).keys());
  const content = receiptContent(view.entries, images, await recordPositions({ view, graph }));
  const kept = new Set(content.roots.map((r) => rootKey(fullRoot(r.digest, r.tag))));
  const listed = new Set(view.entries.map((e) => rootKey(fullRoot(e.descriptor.digest, e.tag))));
  // What unbundle gives a tag to must be in the receipt, which may be signed, whatever index.json says of it.
  const named = roots
    .map((r) => asRoot(r.digest, r))
    .filter((root) => kept.has(rootKey(root)) || (root.tag !== undefined && !listed.has(rootKey(root))));
  return sealedReceipt(
    named,
    [...manifests.filter((m) => !content.lists.has(m.digest)), ...blobs].map(({ digest, size }) => ({ digest, size })),
    graph
      .edges()
      .filter((e) => e.verified)
      .map((e) => ({ subject: e.subject, referrer: e.referrer.digest })),
  );
}

function asRoot(digest: BundleRoot["digest"], name: Pick<BundleRoot, "repository" | "tag">): ReceiptRoot {
  const tag = fullName(name);
  return { digest, ...(tag !== undefined && { tag }) };
}

function fullRoot(digest: BundleRoot["digest"], name: string | undefined): ReceiptRoot {
  return asRoot(digest, name === undefined ? {} : splitName(name));
}
