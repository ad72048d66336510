import { type Digest, type IndexEntry, compareDigests, digestOf } from "@ocilot/layout";
import type { StatementKind } from "../evidence/statement.js";
import { type ConventionId, type ReferrerEdge, edgeKey } from "../graph/edge.js";
import { findLists } from "../records/referrer-lists.js";
import { imagesOf } from "../verify/images.js";
import type { VerifyEvidence } from "../verify/evidence.js";
import { canonicalJson } from "../records/canonical-json.js";

/** The `type` of a receipt. */
export const RECEIPT_TYPE = "application/vnd.ocilot.receipt.v1+json";

/**
 * What a layout holds, independent of the conventions in use: lists of referrers and annotations that record links are left out, so
 * that a converted layout has the same receipt.
 */
export interface Receipt {
  readonly type: typeof RECEIPT_TYPE;
  /** sha256 of the canonical text without this member. */
  readonly digest: Digest;
  /** Tagged manifests, and images without a tag. */
  readonly roots: readonly ReceiptRoot[];
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  readonly referrers: readonly ReceiptReferrer[];
}

/** A link, and what the referrer states by its content. Receipts of older versions do not have the kinds. */
export interface ReceiptReferrer {
  readonly subject: Digest;
  readonly referrer: Digest;
  /** Sorted, each once. */
  readonly kinds?: readonly StatementKind[];
}

/** An image that a receipt lists, with its tag. */
export interface ReceiptRoot {
  readonly digest: Digest;
  readonly tag?: string;
}

type Content = Omit<Receipt, "digest">;

/**
 * Returns the receipt of a verified layout. It lists only what is present and whole.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { Layout } from "@ocilot/layout";
 * import { makeReceipt, receiptText, verifyLayout } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const { evidence } = await verifyLayout(layout);
 * if (evidence !== undefined) await writeFile("./receipt.json", receiptText(await makeReceipt(evidence)));
 * ```
 */
export async function makeReceipt(evidence: VerifyEvidence): Promise<Receipt> {
  const { entries, contents, inventory } = evidence;
  const images = new Set((await imagesOf(evidence)).map((i) => i.digest));
  const { roots, lists } = receiptContent(entries, images, await recordPositions(evidence));
  const blobs = [...contents].flatMap(([digest, c]) => (c.state === "whole" && !lists.has(digest) ? [{ digest, size: c.size }] : []));
  const referrers = inventory.edges.filter((e) => e.verified).map((e) => receiptReferrer(e, evidence.statements));
  return sealedReceipt(roots, blobs, referrers);
}

/**
 * Returns what of `index.json` is in a receipt: tagged manifests and untagged images as roots, and the lists of referrers, which are not.
 * Untagged parts of an image, untagged referrers and what only records a link are no roots.
 * @param images what has an entry and is no list, no referrer and no part of another image
 */
export function receiptContent(
  entries: readonly IndexEntry[],
  images: ReadonlySet<Digest>,
  records: RecordPositions,
): { readonly roots: readonly ReceiptRoot[]; readonly lists: ReadonlySet<Digest> } {
  const real = entries.filter((e) => !records.names.has(e.position));
  const inside = new Set(real.map((e) => e.descriptor.digest));
  const tagged = real.flatMap((e) => (e.tag === undefined ? [] : [{ digest: e.descriptor.digest, tag: e.tag }]));
  const named = new Set(tagged.map((r) => r.digest));
  const untagged = [...images].filter((digest) => !named.has(digest)).map((digest) => ({ digest }));
  const roots = new Map([...tagged, ...untagged].map((r) => [rootKey(r), r]));
  const lists = entries.filter((e) => records.lists.has(e.position)).map((e) => e.descriptor.digest);
  return { roots: [...roots.values()], lists: new Set(lists.filter((digest) => !inside.has(digest))) };
}

/** Tells roots apart. */
export function rootKey({ digest, tag }: ReceiptRoot): string {
  return `${digest} ${tag ?? ""}`;
}

function receiptReferrer(edge: ReferrerEdge, statements: VerifyEvidence["statements"]): ReceiptReferrer {
  const kinds = [...new Set((statements.get(edgeKey(edge)) ?? []).map((s) => s.kind))].toSorted();
  return { subject: edge.subject, referrer: edge.referrer.digest, ...(kinds.length > 0 && { kinds }) };
}

/** The positions of entries that only record a link. */
export interface RecordPositions {
  readonly lists: ReadonlySet<number>;
  /** Lists, and entries whose name or `kind` makes their manifest a referrer. */
  readonly names: ReadonlySet<number>;
}

/** Returns which entries only record a link. */
export async function recordPositions({ view, graph }: Pick<VerifyEvidence, "view" | "graph">): Promise<RecordPositions> {
  const lists = new Set((await findLists(view)).records.map((r) => r.entry.position));
  const named = graph
    .edges()
    .flatMap((e) => e.evidence)
    .filter((v) => NAMING.has(v.convention))
    .flatMap((v) => v.position ?? []);
  return { lists, names: new Set([...lists, ...named]) };
}

const NAMING: ReadonlySet<ConventionId> = new Set(["cosign-tags", "cosign-save", "hauler"]);

/**
 * Returns the canonical text of a receipt, as it is written to a file.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { makeReceipt, receiptText, verifyLayout } from "@ocilot/referrers";
 *
 * const { evidence } = await verifyLayout(await Layout.open("./layout"));
 * if (evidence !== undefined) console.log(receiptText(await makeReceipt(evidence)));
 * ```
 */
export function receiptText(receipt: Receipt): string {
  return canonicalJson({
    ...receipt,
    roots: receipt.roots.map((r) => ({ ...r })),
    blobs: receipt.blobs,
    referrers: receipt.referrers.map((r) => ({ ...r })),
  });
}

/** Returns the digest of a receipt with that content. */
export function sealOf({ type, roots, blobs, referrers }: Content): Digest {
  return digestOf(
    new TextEncoder().encode(
      canonicalJson({ type, roots: roots.map((r) => ({ ...r })), blobs, referrers: referrers.map((r) => ({ ...r })) }),
    ),
  );
}

/** Returns the receipt of some content, in its canonical order. */
export function sealedReceipt(roots: readonly ReceiptRoot[], blobs: Receipt["blobs"], referrers: readonly ReceiptReferrer[]): Receipt {
  const content = {
    type: RECEIPT_TYPE,
    roots: roots.toSorted((a, b) => compareDigests(a.tag ?? "", b.tag ?? "") || compareDigests(a.digest, b.digest)),
    blobs: blobs.toSorted((a, b) => compareDigests(a.digest, b.digest)),
    referrers: referrers.toSorted((a, b) => compareDigests(a.subject, b.subject) || compareDigests(a.referrer, b.referrer)),
  } as const;
  return { ...content, digest: sealOf(content) };
}
