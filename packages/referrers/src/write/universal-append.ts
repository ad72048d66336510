import {
  CONTAINERD_SUBJECT,
  type Descriptor,
  type Digest,
  IMAGE_SPEC_SUBJECT,
  type RecordEdit,
  type IndexSnapshot,
  MAX_MANIFEST_BYTES,
  OLAREG_SUBJECT,
  REF_NAME,
  compareDigests,
  splitDigest,
} from "@ocilot/layout/web";
import { UNIVERSAL } from "../conventions/registry.js";
import type { ReferrerEdge } from "../graph/edge.js";
import type { ReferrerGraph } from "../graph/referrer-graph.js";
import { placeChanges } from "../records/index-draft.js";
import type { IndexChange, RecordKey } from "../records/projection.js";
import { recordKeys } from "../records/record-keys.js";
import { referrerEntry } from "../records/referrer-entries.js";
import { findLists, listsOf } from "../records/referrer-lists.js";
import { referrersTag } from "../records/referrers-tag.js";
import { continuedList, responseBlob, responseDescriptor, responseText } from "../records/response-index.js";
import type { LayoutView, NewBlob } from "../view/layout-view.js";

/** Lists whose text is kept, the last that were written to. */
const MAX_LISTS = 256;

/** What has to be written for some more referrers. */
export interface Appended {
  readonly edits: readonly RecordEdit[];
  readonly blobs: readonly NewBlob[];
}

/**
 * Adds referrers to a layout that uses `universal` without going through all that it holds: the edits are those that the convention's
 * own projection would give, at a cost that grows with what is added, and with the length of one list as text. It knows the layout as
 * of one `index.json`, and follows the edits that are made to it.
 */
export class UniversalAppend {
  #digest: Digest;
  #keys: readonly (RecordKey | undefined)[];
  readonly #listed: Set<Digest>;
  readonly #tags: Set<string>;
  readonly #texts: Map<Digest, string> = new Map();

  private constructor(snapshot: IndexSnapshot, keys: readonly (RecordKey | undefined)[]) {
    this.#digest = snapshot.digest;
    this.#keys = keys;
    this.#listed = new Set(snapshot.entries.map((e) => e.descriptor.digest));
    this.#tags = new Set(snapshot.entries.flatMap((e) => e.tag ?? []));
  }

  /** Looks at a layout once; undefined if it does not use `universal`. */
  static async of(snapshot: IndexSnapshot, view: LayoutView, graph: ReferrerGraph): Promise<UniversalAppend | undefined> {
    if ((await UNIVERSAL.detect(view)).entries.length === 0) return undefined;
    const keys = await recordKeys(graph, view);
    return new UniversalAppend(
      snapshot,
      view.entries.map((e) => keys.get(e.position)),
    );
  }

  /** Tells whether it knows the layout as of that `index.json`. */
  fits(snapshot: IndexSnapshot): boolean {
    return this.#digest === snapshot.digest;
  }

  /**
   * The edits that record `edges`, beside the entries that `inserts` add; undefined where the layout has anything that the whole
   * projection has to look at.
   * @param graph without the new edges
   */
  async plan(
    edges: readonly ReferrerEdge[],
    { view, graph, inserts }: { readonly view: LayoutView; readonly graph: ReferrerGraph; readonly inserts: readonly RecordEdit[] },
  ): Promise<Appended | undefined> {
    const changes: IndexChange[] = [];
    const listed = new Set<Digest>();
    for (const edit of inserts) {
      if (edit.op !== "insert") return undefined;
      const { descriptor } = edit;
      listed.add(descriptor.digest);
      changes.push({ op: "add", key: { rank: "foreign", subject: descriptor.digest, digest: descriptor.digest }, descriptor });
    }
    const bySubject = new Map<Digest, ReferrerEdge[]>();
    for (const edge of edges) {
      const { digest } = edge.referrer;
      if (!isPlain(edge) || this.#listed.has(digest) || listed.has(digest)) return undefined;
      listed.add(digest);
      changes.push({ op: "add", ...referrerEntry(edge, { [CONTAINERD_SUBJECT]: edge.subject }) });
      bySubject.set(edge.subject, [...(bySubject.get(edge.subject) ?? []), edge]);
    }
    const blobs: NewBlob[] = [];
    for (const [subject, fresh] of bySubject) {
      if (!this.#listed.has(subject) && !listed.has(subject) && (await view.has(subject))) return undefined;
      const list = await this.#listFor(subject, fresh, { view, graph });
      if (list === undefined) return undefined;
      changes.push(list.change);
      blobs.push(list.blob);
    }
    return { edits: placeChanges(changes, this.#keys.length, (position) => this.#keys[position]), blobs };
  }

  /** Follows edits that have been made; false if it does not know the layout any more. */
  follow(
    edits: readonly RecordEdit[],
    { snapshot, blobs, edges }: Pick<Appended, "blobs"> & { readonly snapshot: IndexSnapshot; readonly edges: readonly ReferrerEdge[] },
  ): boolean {
    const subjects = new Map(edges.map((e) => [e.referrer.digest, e.subject]));
    const keys = [...this.#keys];
    const inserted = new Map<number, (RecordKey | undefined)[]>();
    for (const edit of edits) {
      if (edit.op === "insert") {
        const { descriptor } = edit;
        this.#listed.add(descriptor.digest);
        const tag = descriptor.annotations?.[REF_NAME];
        if (tag !== undefined) this.#tags.add(tag);
        const there = inserted.get(edit.before) ?? [];
        inserted.set(edit.before, [...there, keyOf(descriptor, subjects)]);
      } else if (edit.op === "retarget") {
        const key = keys[edit.position];
        if (key?.rank !== "list") return false;
        this.#listed.delete(key.digest);
        this.#listed.add(edit.digest);
        keys[edit.position] = { ...key, digest: edit.digest };
      } else return false;
    }
    this.#keys = inserted.size === 0 ? keys : merged(keys, inserted);
    if (this.#keys.length !== snapshot.entries.length) return false;
    this.#digest = snapshot.digest;
    for (const key of this.#keys) if (key?.rank === "list") this.#keepText(key, blobs);
    return true;
  }

  #keepText({ subject, digest }: RecordKey, blobs: readonly NewBlob[]): void {
    const text = blobs.find((b) => b.descriptor.digest === digest)?.text;
    if (text === undefined) return;
    this.#texts.delete(subject);
    this.#texts.set(subject, text);
    if (this.#texts.size > MAX_LISTS) this.#texts.delete(this.#texts.keys().next().value!);
  }

  async #listFor(
    subject: Digest,
    fresh: readonly ReferrerEdge[],
    { view, graph }: { readonly view: LayoutView; readonly graph: ReferrerGraph },
  ): Promise<{ readonly change: IndexChange; readonly blob: NewBlob } | undefined> {
    const position = this.#keys.findLastIndex((key) => key?.rank === "list" && key.subject === subject);
    if (position < 0) {
      // Under a shortened tag there may be the list of another subject; and what else is known of this one has to be looked at.
      const tag = referrersTag(subject);
      if (splitDigest(subject).algorithm !== "sha256" || this.#tags.has(tag) || graph.of(subject).length > 0) return undefined;
      const lines = fresh.map(responseDescriptor).toSorted((a, b) => compareDigests(a.digest, b.digest));
      const blob = responseBlob(lines, view.digestOf);
      const annotations = { [REF_NAME]: tag, [OLAREG_SUBJECT]: subject, [IMAGE_SPEC_SUBJECT]: subject };
      const descriptor = { ...blob.descriptor, annotations };
      return { blob, change: { op: "add", key: { rank: "list", subject, digest: descriptor.digest }, descriptor } };
    }
    const before = this.#texts.get(subject) ?? (await settledList(subject, view, graph));
    if (before === undefined) return undefined;
    // What a list had keeps its place, so that the rest follows.
    const blob = continuedList(before, fresh, view.digestOf);
    if (blob.descriptor.size > MAX_MANIFEST_BYTES) return undefined;
    const { digest, size } = blob.descriptor;
    return { blob, change: { op: "retarget", position, digest, size } };
  }
}

/** The text of the one list of a subject of which every convention already says all that there is to say. */
async function settledList(subject: Digest, view: LayoutView, graph: ReferrerGraph): Promise<string | undefined> {
  const { changes, refusals, losses } = await UNIVERSAL.project(
    graph.filter((e) => e.subject === subject),
    view,
  );
  if (changes.length + refusals.length + losses.length > 0) return undefined;
  const lists = await findLists(view);
  const records = (["regclient", "olareg", "image-spec"] as const).map((id) => listsOf(lists, id, subject));
  const [first] = records[0]!;
  const isOne = records.every((r) => r.length === 1 && r[0]!.entry.position === first?.entry.position && r[0]!.subjects.length === 1);
  if (!isOne || first === undefined || first.lines.length === 0) return undefined;
  const text = responseText(first.lines.map((line) => line.node.descriptor));
  // A list that is not as ocilot writes it, to the byte, is not continued as text.
  return view.digestOf(text) === first.entry.descriptor.digest ? text : undefined;
}

function isPlain({ link, verified, legacy, subjectDescriptor }: ReferrerEdge): boolean {
  return link === "S" && verified && legacy === undefined && subjectDescriptor !== undefined;
}

function keyOf({ digest, annotations }: Descriptor, subjects: ReadonlyMap<Digest, Digest>): RecordKey | undefined {
  const subject = annotations?.[CONTAINERD_SUBJECT] === undefined ? undefined : subjects.get(digest);
  if (subject !== undefined) return { rank: "referrer", subject, digest };
  const listOf = annotations?.[OLAREG_SUBJECT] as Digest | undefined;
  return listOf === undefined ? undefined : { rank: "list", subject: listOf, digest };
}

function merged(
  keys: readonly (RecordKey | undefined)[],
  inserted: ReadonlyMap<number, readonly (RecordKey | undefined)[]>,
): (RecordKey | undefined)[] {
  const all: (RecordKey | undefined)[] = [];
  for (let i = 0; i <= keys.length; i++) {
    for (const key of inserted.get(i) ?? []) all.push(key);
    if (i < keys.length) all.push(keys[i]);
  }
  return all;
}
