import { type BlobListing, type Layout, compareDigests, manifestKind } from "@ocilot/layout";
import { detachedDigests } from "../view/detached.js";
import { describeBlobs } from "../view/describe-blobs.js";
import { manifestOf } from "../view/layout-view.js";
import { mayNameBlobs } from "../view/named-digests.js";
import { unneededBlobs } from "../view/unreferenced-blobs.js";
import { type Finding, finding } from "./finding.js";
import { FINDINGS } from "./finding-codes.js";
import type { VerifyEvidence } from "./evidence.js";

/** Returns the blobs that nothing references. None is reported while it is unknown what a manifest or another blob references. */
export async function unreferencedFindings(layout: Layout, evidence: VerifyEvidence, described: readonly Finding[]): Promise<Finding[]> {
  const { inventory, snapshot } = evidence;
  const detached = detachedDigests(snapshot.annotations);
  const bad = new Set(described.filter((f) => f.severity === "error").map((f) => f.digest));
  const isUnknown = inventory.uses.some(
    (u) => bad.has(u.descriptor.digest) && (u.slot === "manifest" || mayNameBlobs(u.descriptor.mediaType)),
  );
  if (isUnknown) return [];
  const unneeded = await unneededBlobs(layout, new Set(inventory.paths.keys()));
  const lists = await replacedLists(layout, evidence, unneeded);
  return unneeded
    .toSorted((a, b) => compareDigests(a.digest, b.digest))
    .map(({ digest, size }): Finding => {
      const why = detached.has(digest) ? "was detached and is still to be deleted" : "is not referenced";
      const message = `${digest} (${size} bytes) ${why}`;
      // gc refuses such an index, and what some tool reads in it may need the blob.
      const fix = snapshot.quirks.length > 0 ? FINDINGS.INDEX_QUIRK.fix : undefined;
      if (!lists.has(digest)) return finding("UNREFERENCED_BLOB", { digest, message, ...(fix !== undefined && { fix }) });
      return {
        ...finding("UNREFERENCED_BLOB", { digest, message: `${message}: a list of referrers that a newer one replaced` }),
        severity: "info",
      };
    });
}

/** Lists of referrers that a newer list replaced: every write leaves one to the next collection, so they are no fault. */
async function replacedLists(layout: Layout, { view, graph }: VerifyEvidence, blobs: readonly BlobListing[]): Promise<ReadonlySet<string>> {
  if (blobs.length === 0) return new Set();
  const referrers = graph.referrers();
  const described = await describeBlobs(
    layout,
    blobs.map((b) => b.digest),
  );
  const nodes = await view.nodes(described.filter((d) => manifestKind(d.mediaType) === "index"));
  const isList = (children: readonly { readonly digest: string }[]): boolean =>
    children.every((c) => (referrers as ReadonlySet<string>).has(c.digest));
  return new Set(nodes.filter((n) => isList(manifestOf(n)?.manifests ?? [{ digest: "" }])).map((n) => n.descriptor.digest));
}
