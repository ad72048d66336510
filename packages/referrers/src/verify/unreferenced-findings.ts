import { type BlobListing, type Digest, type Layout, type Manifest, compareDigests, manifestKind } from "@ocilot/layout";
import { groupBy } from "../graph/group-by.js";
import { findLists } from "../records/referrer-lists.js";
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
async function replacedLists(layout: Layout, evidence: VerifyEvidence, blobs: readonly BlobListing[]): Promise<ReadonlySet<string>> {
  if (blobs.length === 0) return new Set();
  const described = await describeBlobs(
    layout,
    blobs.map((b) => b.digest),
  );
  const nodes = await evidence.view.nodes(described.filter((d) => manifestKind(d.mediaType) === "index"));
  if (nodes.length === 0) return new Set();
  const isList = await listTest(evidence);
  return new Set(
    nodes.flatMap((node) => {
      const index = manifestOf(node);
      return index !== undefined && isList(index) ? node.descriptor.digest : [];
    }),
  );
}

/**
 * Returns what tells a list from an image index. All its lines are referrers; or some are, a current list has one of them, the others are
 * referenced elsewhere, and nothing in it is of an image: no platform, no annotation, and no manifest beside a referrer of it.
 */
async function listTest({ view, graph, inventory }: VerifyEvidence): Promise<(index: Manifest) => boolean> {
  const subjects = groupBy(graph.edges(), (e) => e.referrer.digest);
  const { records } = await findLists(view);
  const current = new Set(records.flatMap(({ lines }) => lines.flatMap((l) => (l.verdict === "right" ? l.node.descriptor.digest : []))));
  return ({ manifests, annotations, artifactType, subject }) => {
    const others = manifests.filter((d) => !subjects.has(d.digest));
    if (others.length === 0) return true;
    if (subject !== undefined || artifactType !== undefined || Object.keys(annotations).length > 0) return false;
    const digests = new Set<Digest>(manifests.map((d) => d.digest));
    return (
      manifests.some((d) => current.has(d.digest)) &&
      manifests.every((d) => d.platform === undefined && !subjects.get(d.digest)?.some((e) => digests.has(e.subject))) &&
      others.every((d) => inventory.paths.has(d.digest))
    );
  };
}
