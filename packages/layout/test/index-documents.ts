import fc from "fast-check";
import { digestOf, parseIndex } from "../src/index.js";
import type { IndexSnapshot } from "../src/index.js";
import { MANIFEST_TYPE, digestNo, text } from "./helpers.js";

/** JSON that keeps its spelling: a scalar is its own text, an object a list of members with the text of their keys. */
type Raw = string | Raw[] | { members: [key: string, value: Raw][] };

/** How a program lays out its JSON. */
interface Style {
  readonly name: string;
  readonly newline: string;
  readonly indent: string;
  readonly comma: string;
  readonly colon: string;
  readonly end: string;
}

const base: Style = { name: "compact", newline: "", indent: "", comma: ",", colon: ":", end: "" };
export const STYLES: readonly Style[] = [
  base,
  { ...base, name: "compact with newline", end: "\n" },
  { ...base, name: "3 spaces", newline: "\n", indent: "   ", colon: ": " },
  { ...base, name: "2 spaces with newline", newline: "\n", indent: "  ", colon: ": ", end: "\n" },
  { ...base, name: "tabs", newline: "\n", indent: "\t", colon: ": " },
  { ...base, name: "CRLF", newline: "\r\n", indent: "  ", colon: ": ", end: "\r\n" },
  { ...base, name: "python", comma: ", ", colon: ": " },
];

function render(value: Raw, style: Style, depth = 0): string {
  if (typeof value === "string") return value;
  const isArray = Array.isArray(value);
  const items = isArray
    ? value.map((v) => render(v, style, depth + 1))
    : value.members.map(([k, v]) => k + style.colon + render(v, style, depth + 1));
  const [open, close] = isArray ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  const lead = (n: number): string => style.newline + style.indent.repeat(n);
  return `${open}${lead(depth + 1)}${items.join(style.comma + lead(depth + 1))}${lead(depth)}${close}`;
}

/** A document, and the text of each of its entries as it stands there. */
export interface IndexDocument {
  readonly text: string;
  readonly entries: readonly string[];
}

const scalar = fc.constantFrom(
  "9007199254740993123",
  "-0",
  "1.50",
  "1E+2",
  "null",
  "true",
  '"\\u0041\\/\\ud83d\\ude00"',
  '"]},\\"{["',
  '"\u2028<&>"',
  '"\\\\"',
);
const unknownValue: fc.Arbitrary<Raw> = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc
    .uniqueArray(fc.tuple(fc.constantFrom('"b"', '"10"', '"9"', '"\\u0061"'), scalar), { selector: ([k]) => k, maxLength: 3 })
    .map((members) => ({ members })),
);
const unknownMember = fc.tuple(
  fc.constantFrom('"org.olareg.history"', '"10"', '"9"', '"\\u006bey\\/"', '"\u{1f600}"', '"zz"', '"__proto__"', '"a\\\\"'),
  unknownValue,
);
const annotation = fc.tuple(
  fc.constantFrom(
    '"org.opencontainers.image.ref.name"',
    '"10"',
    '"9"',
    '"\\u0061b"',
    '"z\\/"',
    '"\\uffff"',
    '"\\ud83d\\ude00"',
    '"constructor"',
  ),
  fc.constantFrom('"v"', '""', '"\\u0041<"', '"a\\/b"', '"\\ud83d\\ude00"'),
);
const annotations: fc.Arbitrary<Raw> = fc
  .uniqueArray(annotation, { selector: ([k]) => k, minLength: 1, maxLength: 4 })
  .map((members) => ({ members }));

/** The members in any order, the unknown ones among them. */
function shuffled(known: readonly [string, Raw][]): fc.Arbitrary<Raw> {
  return fc
    .uniqueArray(unknownMember, { selector: ([k]) => k, maxLength: 3 })
    .chain((unknown) => {
      const all = [...known, ...unknown];
      return fc.shuffledSubarray(all, { minLength: all.length });
    })
    .map((members) => ({ members }));
}

const entry: fc.Arbitrary<Raw> = fc
  .tuple(fc.nat({ max: 3 }), fc.nat({ max: 10_000 }), fc.option(annotations, { nil: undefined }))
  .chain(([n, size, notes]) =>
    shuffled([
      ['"mediaType"', JSON.stringify(MANIFEST_TYPE)],
      ['"digest"', JSON.stringify(digestNo(n))],
      ['"size"', String(size)],
      ...(notes === undefined ? [] : ([['"annotations"', notes]] as [string, Raw][])),
    ]),
  );

export interface DocumentShape {
  /** What stands in place of the entries: null, or nothing at all. */
  readonly manifests?: "null" | "absent";
}

/** Documents as any tool might have written them; duplicate entries, unknown members and odd spellings included. */
export function indexDocument(shape: DocumentShape = {}): fc.Arbitrary<IndexDocument> {
  const entries = shape.manifests === undefined ? fc.array(entry, { maxLength: 5 }) : fc.constant<Raw[]>([]);
  return fc.tuple(fc.constantFrom(...STYLES), entries, fc.option(annotations, { nil: undefined })).chain(([style, list, notes]) => {
    const manifests: [string, Raw][] = shape.manifests === "absent" ? [] : [['"manifests"', shape.manifests === "null" ? "null" : list]];
    const members: [string, Raw][] = [['"schemaVersion"', "2"], ...manifests];
    if (notes !== undefined) members.push(['"annotations"', notes]);
    return shuffled(members).map((root) => ({
      text: render(root, style) + style.end,
      entries: list.map((item) => render(item, style, 2)),
    }));
  });
}

export function snapshot(source: string): IndexSnapshot {
  const bytes = text(source);
  return parseIndex(bytes, digestOf(bytes));
}
