import { OcilotError } from "../errors.js";
import { type EntryEdit, editPlainEntry } from "./edit-plain-entry.js";
import { INDEX_FILE, type IndexSnapshot, continueIndex, parseIndex } from "./index-snapshot.js";
import { type Descriptor, isPlainDescriptor } from "./descriptor.js";
import type { Digest } from "./digest.js";
import { DESCRIPTOR_ORDER, descriptorText, jsonNode, plainDescriptorText, wholeDescriptorNode } from "./descriptor-json.js";
import { compareUtf8, goJson } from "./go-json.js";
import { encodePieces } from "./encode-pieces.js";
import { type Part, changed, join, partsOf, put, putText } from "./json-parts.js";
import { type Container, type JsonStyle, containerAt, styleOf } from "./json-text.js";

/**
 * A change to the entries and annotations of `index.json`. Positions are those of the snapshot that the edit starts from, regardless of other edits. `insert` puts its
 * entry before the entry at `before` (the number of entries: at the end), after earlier inserts at the same place.
 */
export type RecordEdit =
  | { readonly op: "insert"; readonly before: number; readonly descriptor: Descriptor }
  | { readonly op: "remove"; readonly position: number }
  | ({ readonly position: number } & EntryEdit)
  | { readonly op: "annotate-index"; readonly set?: Readonly<Record<string, string>>; readonly unset?: readonly string[] };

/**
 * A change to `index.json`. `add-member` adds one of {@link IndexSnapshot.otherMembers} with a JSON value; a member of that name that is
 * there stays as it is.
 */
export type IndexEdit = RecordEdit | { readonly op: "add-member"; readonly name: string; readonly value: unknown };

/** The order in which the Go libraries write members. Members that ocilot adds follow it. */
const INDEX_ORDER = ["schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"];

/** An index after an edit. */
export interface EditedIndex {
  /** The text of the document, joined on each call. */
  readonly text: string;
  /** Returns the bytes of the document. */
  encode(): Uint8Array;
  /** Returns what {@link parseIndex} returns for the text, from its bytes and their digest, without parsing entries that are unchanged. */
  snapshot(bytes: Uint8Array, digest: Digest): IndexSnapshot;
}

/**
 * Returns the text of `base` with the edits applied and every other byte unchanged. Added text follows the style of the document, in the
 * position where the Go libraries write it.
 * @throws OcilotError `WRITE_REFUSED` if the document has quirks that an edit could make worse
 * @throws RangeError if an edit names a position that the snapshot does not have
 * @example
 * ```ts
 * import { Layout, editIndex } from "@ocilot/layout";
 *
 * const text = editIndex(await (await Layout.open("./layout")).index.read(), []);
 * console.log(text); // as it is: an edit that changes nothing keeps every byte
 * ```
 */
export function editIndex(base: IndexSnapshot, edits: readonly IndexEdit[]): string {
  return editedIndex(base, edits).text;
}

/**
 * As {@link editIndex}, with a way to go on from the result.
 * @example
 * ```ts
 * import { digestOf, editedIndex, Layout } from "@ocilot/layout";
 *
 * const base = await (await Layout.open("./layout")).index.read();
 * const edited = editedIndex(base, [{ op: "remove", position: 0 }]);
 * const bytes = edited.encode();
 * console.log(edited.snapshot(bytes, digestOf(bytes)).entries.length);
 * ```
 */
export function editedIndex(base: IndexSnapshot, edits: readonly IndexEdit[]): EditedIndex {
  if (edits.length === 0) return { text: base.text, encode: () => base.bytes, snapshot: () => base };
  refuseQuirks(base);
  const { text } = base;
  const root = containerAt(text, 0);
  const style = styleOf(text, root);
  const ofEntries = edits.filter((e) => e.op !== "annotate-index" && e.op !== "add-member");
  const touched = ofEntries.length > 0 ? editEntries(text, base, root, ofEntries, style) : undefined;
  let members = touched?.members ?? partsOf(text, root);
  for (const edit of edits) {
    if (edit.op === "annotate-index") members = annotate(members, edit, INDEX_ORDER, style, 0);
    else if (edit.op === "add-member" && !members.some((m) => m.key === edit.name))
      members = putText(members, edit.name, goJson(jsonNode(edit.value), style, 1), INDEX_ORDER, style);
  }
  const pieces = [text.slice(0, root.start), ...join(text, root, members, style, 0), text.slice(root.end)];
  return {
    get text() {
      return pieces.join("");
    },
    encode: () => encodePieces(pieces),
    snapshot(bytes, digest) {
      if (touched === undefined || ofEntries.length < edits.length) return parseIndex(bytes, digest);
      return continueIndex(base, bytes, digest, touched.entries) ?? parseIndex(bytes, digest);
    },
  };
}

type EntriesEdit = Exclude<RecordEdit, { op: "annotate-index" }>;

function editEntries(
  text: string,
  { entries: was }: IndexSnapshot,
  root: Container,
  edits: readonly EntriesEdit[],
  style: JsonStyle,
): { readonly members: Part[]; readonly entries: readonly (number | string | Descriptor)[] } {
  const members = partsOf(text, root);
  const at = members.findIndex((m) => m.key === "manifests");
  const start = at < 0 ? undefined : root.items[at]!.value.start;
  const array = start !== undefined && text[start] === "[" ? containerAt(text, start) : undefined;
  const entries = array === undefined ? [] : partsOf(text, array);
  const inserts = new Map<number, Part[]>();
  const kept: (Part | undefined)[] = [...entries];
  const now = new Map<number, Descriptor>();
  const isCompact = style.lead(1) + style.comma + style.colon === ",:";
  for (const edit of edits) {
    checkPosition(edit, entries.length);
    if (edit.op === "insert") {
      const part = newEntry(edit.descriptor, isCompact ? undefined : style);
      const there = inserts.get(edit.before);
      if (there === undefined) inserts.set(edit.before, [part]);
      else there.push(part);
    } else if (edit.op === "remove") {
      kept[edit.position] = undefined;
    } else {
      const part = kept[edit.position];
      if (part === undefined) continue;
      const plain = isCompact ? editPlainEntry(part.text, now.get(edit.position) ?? was[edit.position]!.descriptor, edit) : undefined;
      if (plain !== undefined) now.set(edit.position, plain.descriptor);
      else now.delete(edit.position);
      kept[edit.position] = changed(part, plain?.text ?? editEntry(part.text, edit, style));
    }
  }
  const parts: Part[] = [];
  for (let i = 0; i <= kept.length; i++) {
    for (const part of inserts.get(i) ?? []) parts.push(part);
    if (kept[i] !== undefined) parts.push(kept[i]!);
  }
  const edited = array === undefined ? join("[]", containerAt("[]", 0), parts, style, 1) : join(text, array, parts, style, 1);
  return {
    members: putText(members, "manifests", "", INDEX_ORDER, style).map((m) => (m.key === "manifests" ? { ...m, value: edited } : m)),
    entries: parts.map((part) => {
      if (part.item !== undefined) return part.index!;
      return (part.index === undefined ? part.descriptor : now.get(part.index)) ?? part.text;
    }),
  };
}

/** The text of a new entry, and its descriptor where reading the text would give the same. */
function newEntry(descriptor: Descriptor, style: JsonStyle | undefined): Part {
  if (style !== undefined) return { text: goJson(wholeDescriptorNode(descriptor), style, 2) };
  const text = plainDescriptorText(descriptor);
  if (text === undefined || !isPlainDescriptor(descriptor)) return { text: descriptorText(descriptor) };
  return { text, descriptor };
}

/** A wrong position is a bug of the caller; ignoring it would lose what was to be written. */
function checkPosition(edit: EntriesEdit, count: number): void {
  const [position, last] = edit.op === "insert" ? [edit.before, count] : [edit.position, count - 1];
  if (Number.isInteger(position) && position >= 0 && position <= last) return;
  throw new RangeError(`${INDEX_FILE}: cannot ${edit.op} at position ${position} of ${count} entries`);
}

function editEntry(text: string, edit: EntryEdit, style: JsonStyle): string {
  const entry = containerAt(text, 0);
  let members = partsOf(text, entry);
  if (edit.op === "annotate") members = annotate(members, edit, DESCRIPTOR_ORDER, style, 2);
  else {
    if (edit.mediaType !== undefined) members = put(members, "mediaType", edit.mediaType, DESCRIPTOR_ORDER, style);
    members = put(members, "digest", edit.digest, DESCRIPTOR_ORDER, style);
    members = put(members, "size", edit.size, DESCRIPTOR_ORDER, style);
  }
  return join(text, entry, members, style, 2).join("");
}

/** Sets and removes annotations of the object with these members. Removes the member `annotations` with the last of them. */
function annotate(
  members: Part[],
  change: { set?: Readonly<Record<string, string>>; unset?: readonly string[] },
  order: readonly string[],
  style: JsonStyle,
  depth: number,
): Part[] {
  const current = members.find((m) => m.key === "annotations");
  const value = current === undefined ? "{}" : current.text.slice(current.valueStart);
  const text = value === "null" ? "{}" : value;
  const map = containerAt(text, 0);
  const old = partsOf(text, map);
  const unset = new Set(change.unset?.map((key) => key.toWellFormed()));
  let parts = old.filter((p) => !unset.has(p.key!));
  for (const [rawKey, item] of Object.entries(change.set ?? {})) {
    const key = rawKey.toWellFormed();
    const before = parts.findIndex((p) => compareUtf8(p.key!, key) > 0);
    parts = put(parts, key, item, [], style, before);
  }
  if (parts.length === old.length && parts.every((part, i) => part === old[i])) return members;
  if (parts.length === 0) return members.filter((m) => m !== current);
  return putText(members, "annotations", join(text, map, parts, style, depth + 1).join(""), order, style);
}

function refuseQuirks(base: IndexSnapshot): void {
  const quirk = base.quirks[0];
  if (quirk === undefined) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `${INDEX_FILE}: ${quirk.message}; tools read it differently, so it cannot be edited`,
    { reason: quirk.kind, file: INDEX_FILE },
    { hint: "Make a layout whose index.json every tool reads alike, and run the command there: ocilot copy --all LAYOUT NEW-DIRECTORY" },
  );
}
