import { type Descriptor, type Digest, type RecordEdit, type IndexEntry, compareDigests } from "@ocilot/layout/spec";
import { isEmptyMap } from "./entry-annotations.js";
import type { IndexChange, Projection, RecordKey } from "./projection.js";
import type { LayoutView, NewBlob } from "../view/layout-view.js";

/** An entry of the draft: its entry in the base, or the key by which it will be placed. */
interface DraftEntry {
  readonly origin: IndexEntry | undefined;
  readonly key: RecordKey | undefined;
  descriptor: Descriptor;
  target: { digest: Digest; size: number } | undefined;
  /** Annotations that have been set and removed, nearly always one; undefined for most of many thousand entries. */
  set: (readonly [key: string, value: string])[] | undefined;
  unset: string[] | undefined;
}

/**
 * `index.json` while several conventions change it in turn, each over the result of the one before. The outcome is one list of
 * changes against the base, without repetition.
 */
export class IndexDraft {
  readonly #base: LayoutView;
  #view: LayoutView | undefined;
  #entries: DraftEntry[];
  readonly #removed: Set<number> = new Set();
  readonly #indexSet: Map<string, string> = new Map();
  readonly #indexUnset: Set<string> = new Set();
  #annotations: Record<string, string>;
  readonly #blobs: NewBlob[] = [];

  constructor(base: LayoutView) {
    this.#base = base;
    // Projections name entries by their position in the view that they were made from.
    this.#view = base.entries.every((entry, i) => entry.position === i) ? base : undefined;
    this.#annotations = { ...base.annotations };
    this.#entries = base.entries.map((origin) => ({
      origin,
      key: undefined,
      descriptor: origin.descriptor,
      target: undefined,
      set: undefined,
      unset: undefined,
    }));
  }

  /** The layout as it would be now. */
  view(): LayoutView {
    this.#view ??= this.#base.with({
      entries: this.#entries.map((e) => e.descriptor),
      annotations: { ...this.#annotations },
      blobs: this.#blobs,
    });
    return this.#view;
  }

  /** Makes the changes of a projection of {@link view}. */
  apply({ changes, blobs }: Pick<Projection, "changes" | "blobs">): void {
    if (changes.length + blobs.length === 0) return;
    this.#view = undefined;
    for (const blob of blobs) this.#blobs.push(blob);
    const gone = new Set<DraftEntry>();
    const there = [...this.#entries];
    for (const change of changes) {
      if (change.op === "annotate-index") this.#annotateIndex(change.set ?? {}, change.unset ?? []);
      else if (change.op === "add") {
        const { key, descriptor } = change;
        this.#entries.push({ origin: undefined, key, descriptor, target: undefined, set: undefined, unset: undefined });
      } else if (change.op === "remove") gone.add(there[change.position]!);
      else edit(there[change.position]!, change);
    }
    for (const entry of gone) if (entry.origin !== undefined) this.#removed.add(entry.origin.position);
    if (gone.size > 0) this.#entries = this.#entries.filter((e) => !gone.has(e));
  }

  /** All changes so far, against the base. */
  projection(): Pick<Projection, "changes" | "blobs"> {
    const changes: IndexChange[] = [...this.#removed].map((position) => ({ op: "remove", position }));
    for (const { origin, key, descriptor, target, set, unset } of this.#entries) {
      if (origin === undefined) changes.push({ op: "add", key: { ...key!, digest: descriptor.digest }, descriptor });
      else {
        // An annotation that was set and removed again is no change.
        const { position, descriptor: was } = origin;
        if (target === undefined && set === undefined && unset === undefined) continue;
        const put = set?.filter(([k, value]) => was.annotations?.[k] !== value) ?? [];
        const drop = unset?.filter((k) => was.annotations?.[k] !== undefined) ?? [];
        if (target !== undefined && (target.digest !== was.digest || target.size !== was.size))
          changes.push({ op: "retarget", position, ...target });
        if (put.length + drop.length > 0) {
          changes.push({
            op: "annotate",
            position,
            ...(put.length > 0 && { set: Object.fromEntries(put) }),
            ...(drop.length > 0 && { unset: drop }),
          });
        }
      }
    }
    if (this.#indexSet.size + this.#indexUnset.size > 0) {
      changes.push({ op: "annotate-index", set: Object.fromEntries(this.#indexSet), unset: [...this.#indexUnset] });
    }
    const used = new Set(this.#entries.map((e) => e.descriptor.digest));
    const blobs = new Map(this.#blobs.filter((b) => used.has(b.descriptor.digest)).map((b) => [b.descriptor.digest, b]));
    return { changes, blobs: [...blobs.values()] };
  }

  #annotateIndex(set: Readonly<Record<string, string>>, unset: readonly string[]): void {
    const base = this.#base.annotations;
    for (const key of unset) {
      delete this.#annotations[key];
      this.#indexSet.delete(key);
      if (base[key] !== undefined) this.#indexUnset.add(key);
    }
    for (const [key, value] of Object.entries(set)) {
      this.#annotations[key] = value;
      this.#indexUnset.delete(key);
      if (base[key] !== value) this.#indexSet.set(key, value);
      else this.#indexSet.delete(key);
    }
  }
}

function edit(entry: DraftEntry, change: IndexChange & { op: "retarget" | "annotate" }): void {
  if (change.op === "retarget") {
    const { digest, size } = change;
    entry.target = { digest, size };
    entry.descriptor = { ...entry.descriptor, digest, size };
    return;
  }
  const annotations = { ...entry.descriptor.annotations };
  for (const key of change.unset ?? []) {
    delete annotations[key];
    entry.set = entry.set?.filter(([k]) => k !== key);
    entry.unset = [...without(entry.unset, key), key];
  }
  const { set = {} } = change;
  for (const key in set) {
    annotations[key] = set[key]!;
    entry.unset = entry.unset && without(entry.unset, key);
    entry.set = [...(entry.set?.filter(([k]) => k !== key) ?? []), [key, set[key]!]];
  }
  if (!isEmptyMap(annotations)) entry.descriptor = { ...entry.descriptor, annotations };
  else {
    const { annotations: _, ...rest } = entry.descriptor;
    entry.descriptor = rest;
  }
}

function without(keys: readonly string[] = [], key: string): string[] {
  return keys.filter((k) => k !== key);
}

const RANKS: readonly RecordKey["rank"][] = ["foreign", "referrer", "subject", "list"];

/** The canonical order of records. */
export function compareKeys(a: RecordKey, b: RecordKey): number {
  const byRank = RANKS.indexOf(a.rank) - RANKS.indexOf(b.rank);
  if (byRank !== 0 || a.rank === "foreign") return byRank;
  return compareDigests(a.subject, b.subject) || compareDigests(a.digest, b.digest);
}

/**
 * Places added entries among the records at the end of the file, in canonical order; existing entries keep their order.
 * `keyOf` returns the key of an existing entry, or undefined for a foreign one.
 */
export function placeChanges(
  changes: readonly IndexChange[],
  entryCount: number,
  keyOf: (position: number) => RecordKey | undefined,
): RecordEdit[] {
  const edits = changes.filter((c) => c.op !== "add");
  const added = changes.filter((c) => c.op === "add").toSorted((a, b) => compareKeys(a.key, b.key));
  if (added.length === 0) return edits;
  const removed = new Set(edits.flatMap((e) => (e.op === "remove" ? e.position : [])));
  const tail: { position: number; key: RecordKey }[] = [];
  for (let position = entryCount - 1; position >= 0; position--) {
    if (removed.has(position)) continue;
    const key = keyOf(position);
    if (key === undefined) break;
    tail.push({ position, key });
  }
  tail.reverse();
  let at = 0;
  const inserts = added.map(({ key, descriptor }): RecordEdit => {
    while (at < tail.length && compareKeys(tail[at]!.key, key) <= 0) at++;
    return { op: "insert", before: tail[at]?.position ?? entryCount, descriptor };
  });
  return [...edits, ...inserts];
}
