import { CONTAINERD_SUBJECT, type IndexEntry, digestOf, editIndex, parseIndex } from "@ocilot/layout";
import { rawEntries } from "../index-text.js";
import type { BuiltLayout } from "../layout-arbitrary.js";

/** The entries of `original` that are missing from `text`, compared in order with all members and annotations. */
export function missingFrom(text: string, original: string): string[] {
  const entries = rawEntries(text).map((raw) => JSON.parse(raw) as object);
  let at = 0;
  return rawEntries(original).filter((raw) => {
    const found = entries.findIndex((entry, i) => i >= at && holds(entry, JSON.parse(raw)));
    if (found >= 0) at = found + 1;
    return found < 0;
  });
}

function holds(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  return (
    typeof whole === "object" && whole !== null && Object.entries(part).every(([k, v]) => holds((whole as Record<string, unknown>)[k], v))
  );
}

/**
 * A convention that annotates one entry per referrer leaves a plain entry when its annotation is removed. That entry is
 * what oras writes, and nothing shows whether oras had written it before, so `text` may have more such entries than the original.
 */
export function withoutPlainEntries(text: string, built: BuiltLayout, original: string): string {
  const referrers = new Set<string>(built.links.map((l) => l.referrer.digest));
  const known = new Set(rawEntries(original));
  const bytes = new TextEncoder().encode(text);
  const snapshot = parseIndex(bytes, digestOf(bytes));
  const isLeft = (raw: string, e: IndexEntry): boolean =>
    !known.has(raw) && e.tag === undefined && referrers.has(e.descriptor.digest) && !raw.includes(CONTAINERD_SUBJECT);
  const left = rawEntries(text).flatMap((raw, position) => (isLeft(raw, snapshot.entries[position]!) ? [position] : []));
  return editIndex(
    snapshot,
    left.map((position) => ({ op: "remove", position })),
  );
}

/** The entries of `text` that the recipe put there and no convention may touch. */
export function foreignIn(text: string, built: BuiltLayout): string[] {
  const wanted = new Set(built.foreign);
  return rawEntries(text).filter((entry) => wanted.has(entry));
}

/** How often a part occurs. */
export function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
