import { type Digest, isDigest, isRecord } from "@ocilot/layout/web";

/** What bundles did to one tag of a destination. */
export interface TagHistory {
  /** What the tag points to by the last bundle that moved it. */
  readonly digest: Digest;
  /** The name in the bundle. */
  readonly name?: string;
  /** The date of that bundle. */
  readonly created?: string;
  /** What earlier bundles had it on, in no order. */
  readonly earlier: readonly Digest[];
}

/** The history of all tags of a destination, by repository and tag. */
export type TagLedger = ReadonlyMap<string, TagHistory>;

/** What a bundle wants of a tag. */
export interface WantedTag {
  readonly digest: Digest;
  /** The name in the bundle. */
  readonly name?: string;
  readonly created?: string;
  /** What the receipts say that the bundle was made for. */
  readonly was?: readonly Digest[];
}

/** Why a tag was not moved. */
export type KeptReason =
  /** A later bundle has moved it. */
  | "older"
  /** Somebody else has moved it. */
  | "changed-there";

/**
 * Decides whether a bundle moves a tag: never back to what an earlier bundle had, and never where somebody else moved it. Of two bundles
 * the later date wins, so that their order does not matter; without dates the last to arrive.
 * @param current what the tag points to at the destination
 */
export function judgeTag(wanted: WantedTag, current: Digest | undefined, history: TagHistory | undefined): "set" | KeptReason {
  if (current === undefined || current === wanted.digest) return "set";
  if (history?.digest === current) {
    const order = compareDates(wanted.created, history.created);
    if (order !== 0) return order > 0 ? "set" : "older";
    return history.earlier.includes(wanted.digest) ? "older" : "set";
  }
  return wanted.was?.includes(current) === true ? "set" : "changed-there";
}

/** Returns the history of a tag after a bundle was judged. */
export function noteTag(history: TagHistory | undefined, wanted: WantedTag, verdict: "set" | KeptReason): TagHistory | undefined {
  if (verdict !== "set")
    return history && verdict === "older" ? { ...history, earlier: without([...history.earlier, wanted.digest], history.digest) } : history;
  const created = history?.digest === wanted.digest ? later(history.created, wanted.created) : wanted.created;
  const earlier = history === undefined ? [] : without([...history.earlier, history.digest], wanted.digest);
  return {
    digest: wanted.digest,
    ...(wanted.name !== undefined && { name: wanted.name }),
    ...(created !== undefined && { created }),
    earlier,
  };
}

function without(digests: readonly Digest[], digest: Digest): Digest[] {
  return [...new Set(digests)].filter((d) => d !== digest).toSorted();
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  return compareDates(a, b) >= 0 ? (a ?? b) : b;
}

function compareDates(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return Math.sign(Date.parse(a) - Date.parse(b));
}

/** Reads a ledger; what is not understood counts as no history. */
export function parseLedger(text: string): Map<string, TagHistory> {
  const ledger = new Map<string, TagHistory>();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return ledger;
  }
  const tags = isRecord(json) ? json["tags"] : undefined;
  for (const [name, value] of Object.entries(isRecord(tags) ? tags : {})) {
    if (!isRecord(value) || !isDigest(value["digest"])) continue;
    const { created, earlier, name: original } = value;
    ledger.set(name, {
      digest: value["digest"],
      ...(typeof original === "string" && { name: original }),
      ...(typeof created === "string" && !Number.isNaN(Date.parse(created)) && { created }),
      earlier: Array.isArray(earlier) ? earlier.filter((d): d is Digest => isDigest(d)) : [],
    });
  }
  return ledger;
}

/** The text of a ledger. */
export function ledgerText(ledger: TagLedger): string {
  const tags = Object.fromEntries([...ledger].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ tags }, null, 2)}\n`;
}
