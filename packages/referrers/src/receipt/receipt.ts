import { type Digest, compareDigests, digestOf } from "@ocilot/layout";
import type { ConventionId } from "../edge.js";
import { findLists } from "../lists.js";
import { imagesOf } from "../verify/images.js";
import type { Evidence } from "../verify/verify-layout.js";
import { canonicalJson } from "./canonical-json.js";

/** The `type` of a receipt. */
export const RECEIPT_TYPE = "application/vnd.ocilot.receipt.v1+json";

/**
 * What a bundle holds, whichever conventions record it: lists of referrers and marks are left out, so that a layout
 * that was converted on the way still has the same receipt.
 */
export interface Receipt {
  readonly type: typeof RECEIPT_TYPE;
  /** sha256 of the canonical text without this member. */
  readonly digest: Digest;
  /** What has a tag, and the images that have none. */
  readonly roots: readonly ReceiptRoot[];
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  readonly referrers: readonly { readonly subject: Digest; readonly referrer: Digest }[];
}

export interface ReceiptRoot {
  readonly digest: Digest;
  readonly tag?: string;
}

type Content = Omit<Receipt, "digest">;

/** The receipt of what a verification has seen. It names only what is there and whole. */
export async function makeReceipt(evidence: Evidence): Promise<Receipt> {
  const { entries, contents, inventory } = evidence;
  const positions = await recordPositions(evidence);
  const real = entries.filter((e) => !positions.names.has(e.position));
  const inside = new Set(real.map((e) => e.descriptor.digest));
  const records = new Set(
    entries.filter((e) => positions.lists.has(e.position) && !inside.has(e.descriptor.digest)).map((e) => e.descriptor.digest),
  );
  const tagged = real.flatMap((e) => (e.tag === undefined ? [] : [{ digest: e.descriptor.digest, tag: e.tag }]));
  const named = new Set(tagged.map((r) => r.digest));
  const untagged = (await imagesOf(evidence)).filter((i) => !named.has(i.digest)).map(({ digest }) => ({ digest }));
  const roots = new Map<string, ReceiptRoot>([...tagged, ...untagged].map((r) => [`${r.digest} ${"tag" in r ? r.tag : ""}`, r]));
  const blobs = [...contents].flatMap(([digest, c]) => (c.state === "whole" && !records.has(digest) ? [{ digest, size: c.size }] : []));
  const referrers = inventory.edges.filter((e) => e.verified).map((e) => ({ subject: e.subject, referrer: e.referrer.digest }));
  return sealed({
    type: RECEIPT_TYPE,
    roots: [...roots.values()].toSorted((a, b) => compareDigests(a.tag ?? "", b.tag ?? "") || compareDigests(a.digest, b.digest)),
    blobs: blobs.toSorted((a, b) => compareDigests(a.digest, b.digest)),
    referrers: referrers.toSorted((a, b) => compareDigests(a.subject, b.subject) || compareDigests(a.referrer, b.referrer)),
  });
}

/** Entries that only record a link: lists, and those whose name or `kind` makes a referrer of what they name. */
async function recordPositions({ view, graph }: Evidence): Promise<{ lists: Set<number>; names: Set<number> }> {
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.position));
  const named = graph
    .edges()
    .flatMap((e) => e.evidence)
    .filter((v) => NAMING.has(v.convention))
    .flatMap((v) => v.position ?? []);
  return { lists, names: new Set([...lists, ...named]) };
}

const NAMING: ReadonlySet<ConventionId> = new Set(["cosign-tags", "cosign-save", "hauler"]);

/** The canonical text of a receipt, as it is kept in a file. */
export function receiptText(receipt: Receipt): string {
  return canonicalJson({ ...receipt, roots: receipt.roots.map((r) => ({ ...r })), blobs: receipt.blobs, referrers: receipt.referrers });
}

/** Computes the digest that a receipt of that content must have. */
export function sealOf({ type, roots, blobs, referrers }: Content): Digest {
  return digestOf(new TextEncoder().encode(canonicalJson({ type, roots: roots.map((r) => ({ ...r })), blobs, referrers })));
}

function sealed(content: Content): Receipt {
  return { ...content, digest: sealOf(content) };
}
