import type { Digest } from "@ocilot/layout/spec";
import { type Finding, type FindingParts, finding, finish } from "../verify/finding.js";
import type { FindingCode } from "../verify/finding-codes.js";
import type { PathStep } from "../verify/reference-path.js";
import type { Receipt } from "./receipt.js";
import { pairNames } from "./root-names.js";

/**
 * Returns the differences between a receipt and a layout; none if nothing was lost, added or moved. Names with and without their repository
 * agree, and those of two registries by the end of the repository.
 * @param location of the layout that `now` is the receipt of, for the commands of fixes; absent where two receipts are compared, which have none
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { Layout } from "@ocilot/layout";
 * import { compareReceipts, makeReceipt, parseReceipt, verifyLayout } from "@ocilot/referrers";
 *
 * const layout = await Layout.open("./layout");
 * const before = parseReceipt(await readFile("./receipt.json"), "receipt.json");
 * const { evidence } = await verifyLayout(layout);
 * if (evidence !== undefined) console.log(compareReceipts(before, await makeReceipt(evidence), layout.location));
 * ```
 */
export function compareReceipts(before: Receipt, now: Receipt, location?: string): Finding[] {
  const findings: Finding[] = [];
  // No command can change what a receipt lists.
  const say = (code: FindingCode, parts: FindingParts): void =>
    void findings.push(finding(code, location === undefined ? { ...parts, fix: "" } : parts));
  const words = location === undefined ? OF_TWO : OF_LAYOUT;
  compareRoots(before, now, say, words);
  const sizes = new Map(now.blobs.map((b) => [b.digest, b.size]));
  const known = new Map(before.blobs.map((b) => [b.digest, b.size]));
  for (const { digest, size } of before.blobs)
    if (!sizes.has(digest)) say("RECEIPT_LOST", { digest, message: `${digest} (${size} bytes) ${words.lostBlob}` });
  for (const { digest, size } of now.blobs)
    if (!known.has(digest))
      say("RECEIPT_ADDED", {
        digest,
        message: `${digest} (${size} bytes) ${words.added}`,
      });
  const edges = new Set(now.referrers.map(edgeText));
  const knownEdges = new Set(before.referrers.map(edgeText));
  for (const e of before.referrers)
    if (!edges.has(edgeText(e))) say("RECEIPT_LOST", { digest: e.referrer, message: `the link ${words.lostLink}: ${edgeText(e)}` });
  for (const e of now.referrers)
    if (!knownEdges.has(edgeText(e))) say("RECEIPT_ADDED", { digest: e.referrer, message: `the link ${words.added}: ${edgeText(e)}` });
  return finish(findings, location ?? "", false);
}

/** How findings say where something is and is not. */
interface Words {
  readonly lostBlob: string;
  readonly lostLink: string;
  readonly lostTag: (digests: string) => string;
  readonly lostImage: string;
  readonly moved: (then: string, now: string) => string;
  readonly added: string;
}

const OF_LAYOUT: Words = {
  lostBlob: "is in the receipt, but missing or corrupt now",
  lostLink: "is in the receipt, but missing now",
  lostTag: (digests) => `, in the receipt on ${digests}, is missing`,
  lostImage: "is no longer listed",
  moved: (then, now) => `is on ${now}; in the receipt it is on ${then}`,
  added: "is unexpected: not in the receipt",
};

const OF_TWO: Words = {
  lostBlob: "is only in the first receipt",
  lostLink: "is only in the first receipt",
  lostTag: (digests) => ` on ${digests} is only in the first receipt`,
  lostImage: "is only in the first receipt",
  moved: (then, now) => `is on ${then} in the first receipt, on ${now} in the second`,
  added: "is only in the second receipt",
};

function compareRoots(before: Receipt, now: Receipt, say: (code: FindingCode, parts: FindingParts) => void, words: Words): void {
  const then = tagsIn(before);
  const there = tagsIn(now);
  const pairs = pairNames(then, there);
  const step = (tag: string): PathStep[] => [{ kind: "tag", tag }];
  for (const [tag, digests] of then) {
    const name = pairs.get(tag);
    const found = name === undefined ? undefined : there.get(name);
    const digest = digests[0]!;
    if (name === undefined || found === undefined)
      say("RECEIPT_LOST", { steps: step(tag), digest, message: `the tag ${tag}${words.lostTag(digests.join(" and "))}` });
    else if (found.join() !== digests.join())
      say("RECEIPT_CHANGED", {
        steps: step(name),
        digest,
        message: `the tag ${name} ${words.moved(digests.join(" and "), found.join(" and "))}`,
      });
  }
  const known = new Set(pairs.values());
  for (const [tag, digests] of there)
    if (!known.has(tag))
      say("RECEIPT_ADDED", {
        steps: step(tag),
        digest: digests[0],
        message: `the tag ${tag} on ${digests.join(" and ")} ${words.added}`,
      });
  const bare = (r: Receipt): Set<Digest> => new Set(r.roots.flatMap((root) => (root.tag === undefined ? root.digest : [])));
  // A former part of another image that is listed on its own is not new; the other image has its own finding.
  const content = new Set(before.blobs.map((b) => b.digest));
  const named = (r: Receipt): Set<Digest> => new Set(r.roots.map((root) => root.digest));
  // What is still reached, and not only as the subject of a referrer, is a part of another image now.
  const subjects = new Set(now.referrers.map((e) => e.subject));
  const parts = new Set(now.blobs.flatMap((b) => (subjects.has(b.digest) ? [] : b.digest)));
  for (const digest of bare(before))
    if (!named(now).has(digest) && !parts.has(digest)) say("RECEIPT_LOST", { digest, message: `the image ${digest} ${words.lostImage}` });
  for (const digest of bare(now))
    if (!named(before).has(digest) && !content.has(digest)) say("RECEIPT_ADDED", { digest, message: `the image ${digest} ${words.added}` });
}

function tagsIn({ roots }: Receipt): Map<string, Digest[]> {
  const tags = new Map<string, Digest[]>();
  for (const { tag, digest } of roots) if (tag !== undefined) tags.set(tag, [...(tags.get(tag) ?? []), digest]);
  return tags;
}

function edgeText(e: { readonly subject: Digest; readonly referrer: Digest }): string {
  return `${e.referrer} refers to ${e.subject}`;
}
