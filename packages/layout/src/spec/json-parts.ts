import type { Descriptor } from "./descriptor.js";
import { goJson } from "./go-json.js";
import type { Container, Item, JsonStyle } from "./json-text.js";

/** A member or element of the new text. `index` is its position in the old text, if it has one; `item` is set while it is unchanged. */
export interface Part {
  readonly text: string;
  readonly key?: string;
  /** Where the value begins in `text`. */
  readonly valueStart?: number;
  /** What a new entry describes. */
  readonly descriptor?: Descriptor;
  /** What follows `text`, of a member whose value is too long to be put together more than once. */
  readonly value?: readonly string[];
  readonly item?: Item;
  readonly index?: number;
}

/** Returns the items of an array or object as they stand. */
export function partsOf(text: string, { items }: Container): Part[] {
  return items.map((item, index) => ({
    text: text.slice(item.start, item.end),
    item,
    index,
    ...(item.key !== undefined && { key: item.key, valueStart: item.value.start - item.start }),
  }));
}

/** Sets a member to a scalar, as {@link putText} does. A member with that value keeps its spelling. */
export function put(
  parts: Part[],
  key: string,
  value: string | number,
  order: readonly string[],
  style: JsonStyle,
  before?: number,
): Part[] {
  const present = parts.find((p) => p.key === key);
  if (present !== undefined && JSON.parse(present.text.slice(present.valueStart)) === value) return parts;
  return putText(parts, key, goJson(value), order, style, before);
}

/** Replaces the value of the member `key`, or adds the member: at `before`, else where `order` puts it, else last. */
export function putText(parts: Part[], key: string, value: string, order: readonly string[], style: JsonStyle, before = -1): Part[] {
  const present = parts.findIndex((p) => p.key === key);
  if (present >= 0) {
    const old = parts[present]!;
    return parts.with(present, changed(old, old.text.slice(0, old.valueStart) + value));
  }
  const head = goJson(key) + style.colon;
  const rank = order.indexOf(key);
  const at = before >= 0 ? before : rank < 0 ? -1 : parts.findIndex((p) => order.indexOf(p.key!) > rank);
  return parts.toSpliced(at < 0 ? parts.length : at, 0, { key, text: head + value, valueStart: head.length });
}

/** Returns the part with another text; it is not copied from the old text any more. */
export function changed(part: Part, text: string): Part {
  const { item: _was, ...rest } = part;
  return { ...rest, text };
}

/** Returns the parts between the brackets of `container`, in pieces. Parts that were neighbours keep the text between them. */
export function join(text: string, container: Container, parts: readonly Part[], style: JsonStyle, depth: number): string[] {
  const { items: old, start, end } = container;
  const [open, close] = [text[start]!, text[end - 1]!];
  if (parts.length === 0) return [open + close];
  const gapBefore = (index: number): string => text.slice(old[index - 1]!.end, old[index]!.start);
  const usual = old.length > 1 ? gapBefore(1) : style.comma + style.lead(depth + 1);
  const first = old[0];
  const out = [open, first === undefined ? style.lead(depth + 1) : text.slice(start + 1, first.start)];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (i > 0) out.push(part.index ? gapBefore(part.index) : usual);
    // Unchanged parts in their old order are copied as one piece.
    let last = i;
    while (part.item && parts[last + 1]?.item && parts[last + 1]!.index === parts[last]!.index! + 1) last++;
    out.push(last === i ? part.text : text.slice(part.item!.start, parts[last]!.item!.end));
    for (const piece of part.value ?? []) out.push(piece);
    i = last;
  }
  out.push(first === undefined ? style.lead(depth) : text.slice(old[old.length - 1]!.end, end - 1), close);
  return out;
}
