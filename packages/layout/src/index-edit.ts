import { OcilotError } from "./errors.js";
import { INDEX_FILE, type IndexSnapshot } from "./index-snapshot.js";
import type { Descriptor } from "./spec/descriptor.js";
import { DESCRIPTOR_ORDER, descriptorText, wholeDescriptorNode } from "./spec/descriptor-json.js";
import type { Digest } from "./spec/digest.js";
import { compareUtf8, goJson } from "./spec/go-json.js";
import { type Item, type JsonStyle, type Span, itemsOf, styleOf, valueSpan } from "./spec/json-text.js";

/**
 * One change to `index.json`. Positions are those of the snapshot that the edit starts from, whatever the other edits do.
 * `insert` puts its entry before the entry at `before` (the number of entries: at the end), after earlier inserts there.
 * `retarget` changes where an entry points and nothing else about it.
 */
export type IndexEdit =
  | { readonly op: "insert"; readonly before: number; readonly descriptor: Descriptor }
  | { readonly op: "remove"; readonly position: number }
  | { readonly op: "retarget"; readonly position: number; readonly digest: Digest; readonly size: number }
  | {
      readonly op: "annotate";
      readonly position: number;
      readonly set?: Readonly<Record<string, string>>;
      readonly unset?: readonly string[];
    }
  | { readonly op: "annotate-index"; readonly set?: Readonly<Record<string, string>>; readonly unset?: readonly string[] };

/** The member order of the Go libraries; members that ocilot adds take their place in it. */
const INDEX_ORDER = ["schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"];

/**
 * The text of `base` with the edits made and every other byte as it was. Whatever is added follows the style of the
 * document and stands where the Go libraries would put it.
 * @throws OcilotError `WRITE_REFUSED` if the document has quirks that an edit could make worse
 * @throws RangeError if an edit names a position that the snapshot does not have
 */
export function editIndex(base: IndexSnapshot, edits: readonly IndexEdit[]): string {
  if (edits.length === 0) return base.text;
  refuseQuirks(base);
  const root = valueSpan(base.text, 0);
  const style = styleOf(base.text, root);
  let members = edits.some((e) => e.op !== "annotate-index") ? editEntries(base.text, root, edits, style) : partsOf(base.text, root);
  for (const edit of edits) {
    if (edit.op === "annotate-index") members = annotate(members, edit, INDEX_ORDER, style, 0);
  }
  return base.text.slice(0, root.start) + join(base.text, root, members, style, 0) + base.text.slice(root.end);
}

function editEntries(text: string, root: Span, edits: readonly IndexEdit[], style: JsonStyle): Part[] {
  const members = partsOf(text, root);
  const at = members.findIndex((m) => m.key === "manifests");
  const span = at < 0 ? undefined : members[at]!.item!.value;
  const isArray = span !== undefined && text[span.start] === "[";
  const entries = isArray ? partsOf(text, span) : [];
  const inserts = new Map<number, Part[]>();
  const kept: (Part | undefined)[] = [...entries];
  const isCompact = style.lead(1) + style.comma + style.colon === ",:";
  for (const edit of edits) {
    checkPosition(edit, entries.length);
    if (edit.op === "insert") {
      const part = { text: isCompact ? descriptorText(edit.descriptor) : goJson(wholeDescriptorNode(edit.descriptor), style, 2) };
      const there = inserts.get(edit.before);
      if (there === undefined) inserts.set(edit.before, [part]);
      else there.push(part);
    } else if (edit.op === "remove") {
      kept[edit.position] = undefined;
    } else if (edit.op !== "annotate-index") {
      const part = kept[edit.position];
      if (part !== undefined) kept[edit.position] = { ...part, text: editEntry(part.text, edit, style) };
    }
  }
  const parts: Part[] = [];
  for (let i = 0; i <= kept.length; i++) {
    for (const part of inserts.get(i) ?? []) parts.push(part);
    if (kept[i] !== undefined) parts.push(kept[i]!);
  }
  const array = isArray ? join(text, span, parts, style, 1) : join("[]", { start: 0, end: 2 }, parts, style, 1);
  return putText(members, "manifests", array, INDEX_ORDER, style);
}

/** A wrong position is a mistake of the caller's; to pass over it would lose what was to be written. */
function checkPosition(edit: IndexEdit, count: number): void {
  if (edit.op === "annotate-index") return;
  const [position, last] = edit.op === "insert" ? [edit.before, count] : [edit.position, count - 1];
  if (Number.isInteger(position) && position >= 0 && position <= last) return;
  throw new RangeError(`${INDEX_FILE}: cannot ${edit.op} at position ${position} of ${count} entries`);
}

function editEntry(text: string, edit: IndexEdit & { op: "retarget" | "annotate" }, style: JsonStyle): string {
  const span = { start: 0, end: text.length };
  let members = partsOf(text, span);
  if (edit.op === "annotate") members = annotate(members, edit, DESCRIPTOR_ORDER, style, 2);
  else {
    members = put(members, "digest", edit.digest, DESCRIPTOR_ORDER, style);
    members = put(members, "size", edit.size, DESCRIPTOR_ORDER, style);
  }
  return join(text, span, members, style, 2);
}

/** Sets and unsets annotations of the object that `members` make up; one that loses its last annotation loses the member too. */
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
  const span = { start: 0, end: text.length };
  const old = partsOf(text, span);
  const unset = new Set(change.unset?.map((key) => key.toWellFormed()));
  let parts = old.filter((p) => !unset.has(p.key!));
  for (const [rawKey, item] of Object.entries(change.set ?? {})) {
    const key = rawKey.toWellFormed();
    const before = parts.findIndex((p) => compareUtf8(p.key!, key) > 0);
    parts = put(parts, key, item, [], style, before);
  }
  if (parts.length === old.length && parts.every((part, i) => part === old[i])) return members;
  if (parts.length === 0) return members.filter((m) => m !== current);
  return putText(members, "annotations", join(text, span, parts, style, depth + 1), order, style);
}

/** A member or element on its way into the new text; `item` is where it stood, if it did. */
interface Part {
  readonly text: string;
  readonly key?: string;
  /** Where the value begins in `text`. */
  readonly valueStart?: number;
  readonly item?: Item;
  readonly index?: number;
}

function partsOf(text: string, span: Span): Part[] {
  return itemsOf(text, span).map((item, index) => ({
    text: text.slice(item.start, item.end),
    item,
    index,
    ...(item.key !== undefined && { key: item.key, valueStart: item.value.start - item.start }),
  }));
}

/** As {@link putText}, of a scalar; a member that says the same already keeps its spelling. */
function put(parts: Part[], key: string, value: string | number, order: readonly string[], style: JsonStyle, before?: number): Part[] {
  const present = parts.find((p) => p.key === key);
  if (present !== undefined && JSON.parse(present.text.slice(present.valueStart)) === value) return parts;
  return putText(parts, key, goJson(value), order, style, before);
}

/** Replaces the value of the member `key`, or adds the member: at `before`, or where `order` puts it, or last. */
function putText(parts: Part[], key: string, value: string, order: readonly string[], style: JsonStyle, before = -1): Part[] {
  const present = parts.findIndex((p) => p.key === key);
  if (present >= 0) {
    const old = parts[present]!;
    return parts.with(present, { ...old, text: old.text.slice(0, old.valueStart) + value });
  }
  const head = goJson(key) + style.colon;
  const rank = order.indexOf(key);
  const at = before >= 0 ? before : rank < 0 ? -1 : parts.findIndex((p) => order.indexOf(p.key!) > rank);
  return parts.toSpliced(at < 0 ? parts.length : at, 0, { key, text: head + value, valueStart: head.length });
}

/** Puts the parts back between the brackets of `span`; what stood side by side keeps what was between. */
function join(text: string, span: Span, parts: readonly Part[], style: JsonStyle, depth: number): string {
  const open = text[span.start]!;
  const close = text[span.end - 1]!;
  if (parts.length === 0) return open + close;
  const old = itemsOf(text, span);
  const gapBefore = (index: number): string => text.slice(old[index - 1]!.end, old[index]!.start);
  const usual = old.length > 1 ? gapBefore(1) : style.comma + style.lead(depth + 1);
  const first = old[0];
  const out = [open, first === undefined ? style.lead(depth + 1) : text.slice(span.start + 1, first.start)];
  parts.forEach((part, i) => {
    if (i > 0) out.push(part.index ? gapBefore(part.index) : usual);
    out.push(part.text);
  });
  out.push(first === undefined ? style.lead(depth) : text.slice(old[old.length - 1]!.end, span.end - 1), close);
  return out.join("");
}

function refuseQuirks(base: IndexSnapshot): void {
  const quirk = base.quirks[0];
  if (quirk === undefined) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `${INDEX_FILE}: ${quirk.message}; tools read it differently, so it is not edited`,
    { reason: quirk.kind, file: INDEX_FILE },
    { hint: "Write a clean copy of index.json by hand, then try again." },
  );
}
