import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Descriptor, type IndexEdit, descriptorNode, digestOf, editIndex, goJson, parseIndex } from "../src/index.js";
import { editedIndex } from "../src/spec/index-edit.js";
import { MANIFEST_TYPE, digestNo } from "./helpers.js";
import { indexDocument, snapshot } from "./index-documents.js";

type Json = Record<string, unknown>;
const RUNS = { numRuns: 1000 };
const edit = (source: string, list: readonly IndexEdit[]): string => editIndex(snapshot(source), list);

/** Keys and values that the generated documents may have as well, and some that they never have. */
const key = fc.constantFrom("10", "9", "ab", "z/", "\uffff", "\u{1f600}", "new", "", "m", "__proto_", "constructor", "<&>");
const value = fc.constantFrom("v", "", "A<", "a/b", "x\u2028");
const memberName = fc.constantFrom("artifactType", "subject", "x-ext", "", "<");
/** `-0` is written in another form; a document that has it is not edited. */
const jsonValue = fc.jsonValue().map((v) => JSON.parse(JSON.stringify(v)) as unknown);
const notes = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true });
const descriptor: fc.Arbitrary<Descriptor> = fc.record({
  mediaType: fc.constant(MANIFEST_TYPE),
  digest: fc.nat({ max: 9 }).map((n) => digestNo(100 + n)),
  size: fc.nat({ max: 999 }),
  annotations: notes,
});

/** Edits that fit an index of `count` entries, several to one position among them. */
function edits(count: number): fc.Arbitrary<IndexEdit[]> {
  const position = fc.nat({ max: Math.max(count - 1, 0) });
  const change = { set: notes, unset: fc.array(key, { maxLength: 2 }) };
  const anywhere: fc.Arbitrary<IndexEdit>[] = [
    fc.record({ op: fc.constant("insert" as const), before: fc.nat({ max: count }), descriptor }),
    fc.record({ op: fc.constant("annotate-index" as const), ...change }),
    fc.record({ op: fc.constant("add-member" as const), name: memberName, value: jsonValue }),
  ];
  const there: fc.Arbitrary<IndexEdit>[] = [
    fc.record({ op: fc.constant("remove" as const), position }),
    fc.record({ op: fc.constant("retarget" as const), position, digest: fc.nat({ max: 9 }).map(digestNo), size: fc.nat({ max: 99 }) }),
    fc.record({ op: fc.constant("annotate" as const), position, ...change }),
  ];
  return fc.array(fc.oneof(...anywhere, ...(count > 0 ? there : [])), { maxLength: 8 });
}

function annotated(object: Json, change: { set?: Readonly<Record<string, string>>; unset?: readonly string[] }): Json {
  const before = (object["annotations"] ?? {}) as Record<string, string>;
  const after = Object.fromEntries(Object.entries(before).filter(([k]) => !change.unset?.includes(k)));
  for (const [k, v] of Object.entries(change.set ?? {})) after[k] = v;
  if (JSON.stringify(after) === JSON.stringify(before)) return object;
  const { annotations: _, ...rest } = object;
  return Object.keys(after).length === 0 ? rest : { ...rest, annotations: after };
}

/** What the edits mean, without any care for the text. */
function model(source: string, list: readonly IndexEdit[]): Json {
  let root = JSON.parse(source) as Json;
  const entries = ((root["manifests"] ?? []) as Json[]).map((entry) => [entry] as Json[]);
  const inserted: Json[][] = Array.from({ length: entries.length + 1 }, () => []);
  for (const e of list) {
    if (e.op === "annotate-index") root = annotated(root, e);
    else if (e.op === "add-member") root = { [e.name]: e.value, ...root };
    else if (e.op === "insert") inserted[e.before]!.push(JSON.parse(goJson(descriptorNode(e.descriptor))) as Json);
    else if (e.op === "remove") entries[e.position] = [];
    else if (e.op === "annotate") entries[e.position] = entries[e.position]!.map((entry) => annotated(entry, e));
    else entries[e.position] = entries[e.position]!.map((entry) => ({ ...entry, digest: e.digest, size: e.size }));
  }
  const touched = list.some((e) => e.op !== "annotate-index" && e.op !== "add-member");
  if (!touched) return root;
  return { ...root, manifests: inserted.flatMap((added, i) => [...added, ...(entries[i] ?? [])]) };
}

const documentAndEdits = fc
  .oneof(indexDocument(), indexDocument({ manifests: "null" }), indexDocument({ manifests: "absent" }))
  .chain((doc) => fc.tuple(fc.constant(doc), edits(doc.entries.length)));

describe("laws of editIndex, over documents of every style", () => {
  test("no edits, no change", () => {
    fc.assert(
      fc.property(indexDocument(), (doc) => edit(doc.text, []) === doc.text),
      RUNS,
    );
  });

  test("the result means what the edits say, and can be edited again", () => {
    fc.assert(
      fc.property(documentAndEdits, ([doc, list]) => {
        const result = edit(doc.text, list);
        expect(JSON.parse(result)).toEqual(model(doc.text, list));
        expect(snapshot(result).quirks).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test("the snapshot that goes on from the old one is that of the new text, and can be gone on from", () => {
    fc.assert(
      fc.property(documentAndEdits, ([doc, list]) => {
        let [now, more] = [snapshot(doc.text), list];
        for (let round = 0; round < 2; round++) {
          const edited = editedIndex(now, more);
          const bytes = edited.encode();
          expect(Buffer.from(bytes).equals(Buffer.from(edited.text))).toBe(true);
          now = edited.snapshot(bytes, digestOf(bytes));
          const parsed = parseIndex(bytes, digestOf(bytes));
          expect({ ...now, text: now.text }).toEqual({ ...parsed, text: parsed.text });
          more = list
            .filter((e) => e.op === "insert" || e.op === "annotate-index")
            .map((e) => (e.op === "insert" ? { ...e, before: 0 } : e));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("entries that no edit names keep their text and their order", () => {
    fc.assert(
      fc.property(documentAndEdits, ([doc, list]) => {
        const named = new Set(list.flatMap((e) => ("position" in e ? [e.position] : [])));
        const result = edit(doc.text, list);
        let at = 0;
        for (const raw of doc.entries.filter((_, i) => !named.has(i))) {
          const found = result.indexOf(raw, at);
          expect(found, raw).toBeGreaterThanOrEqual(0);
          at = found + raw.length;
        }
      }),
      RUNS,
    );
  });

  test("doing it twice over changes nothing the second time", () => {
    fc.assert(
      fc.property(documentAndEdits, ([doc, list]) => {
        const idempotent = list.filter((e) => e.op === "annotate" || e.op === "annotate-index" || e.op === "retarget");
        const last = [...new Map(idempotent.map((e) => [`${e.op} ${"position" in e ? e.position : ""}`, e])).values()];
        const once = edit(doc.text, last);
        expect(edit(once, last)).toBe(once);
      }),
      RUNS,
    );
  });

  test("removing what was inserted gives back every byte", () => {
    const input = indexDocument().chain((doc) =>
      fc.tuple(fc.constant(doc), fc.array(fc.tuple(fc.nat({ max: doc.entries.length }), descriptor), { minLength: 1, maxLength: 4 })),
    );
    fc.assert(
      fc.property(input, ([doc, list]) => {
        const inserted = edit(
          doc.text,
          list.map(([before, d]) => ({ op: "insert", before, descriptor: d })),
        );
        const old = new Set<number>();
        for (let i = 0; i < doc.entries.length; i++) old.add(i + list.filter(([before]) => before <= i).length);
        const removals = snapshot(inserted).entries.filter((e) => !old.has(e.position));
        expect(removals).toHaveLength(list.length);
        expect(
          edit(
            inserted,
            removals.map((e) => ({ op: "remove", position: e.position })),
          ),
        ).toBe(doc.text);
      }),
      RUNS,
    );
  });

  test("unsetting what was annotated gives back every byte", () => {
    const input = indexDocument().chain((doc) => fc.tuple(fc.constant(doc), fc.nat({ max: Math.max(0, doc.entries.length - 1) })));
    const fresh = fc.dictionary(fc.constantFrom("new", "", "m", "<&>", "\u{1f601}", "0"), value, { minKeys: 1, noNullPrototype: true });
    fc.assert(
      fc.property(input, fresh, ([doc, position], set) => {
        const unset = Object.keys(set);
        const set_: IndexEdit[] = [{ op: "annotate-index", set }];
        const unset_: IndexEdit[] = [{ op: "annotate-index", unset }];
        if (doc.entries.length > 0) {
          set_.push({ op: "annotate", position, set });
          unset_.push({ op: "annotate", position, unset });
        }
        const changed = edit(doc.text, set_);
        expect(changed).not.toBe(doc.text);
        expect(edit(changed, unset_)).toBe(doc.text);
      }),
      RUNS,
    );
  });

  test("a retarget there and back gives back every byte", () => {
    fc.assert(
      fc.property(indexDocument(), fc.nat({ max: 4 }), (doc, position) => {
        fc.pre(position < doc.entries.length);
        const was = snapshot(doc.text).entries[position]!.descriptor;
        const moved = edit(doc.text, [{ op: "retarget", position, digest: digestNo(77), size: 123_456 }]);
        const { digest, size, ...rest } = snapshot(moved).entries[position]!.descriptor;
        expect([digest, size]).toEqual([digestNo(77), 123_456]);
        const { digest: _d, size: _s, ...before } = was;
        expect(rest).toEqual(before);
        expect(edit(moved, [{ op: "retarget", position, digest: was.digest, size: was.size }])).toBe(doc.text);
      }),
      RUNS,
    );
  });
});

test("an entry written as ocilot writes it is edited to the same as one that is spaced out", () => {
  const plainKey = fc.constantFrom("a", "ab", "constructor", "m", "org.example.x", "z/");
  const plainNotes = fc.dictionary(plainKey, fc.constantFrom("v", "A<", "a/b"), { maxKeys: 3, noNullPrototype: true });
  const entry = fc.record({
    mediaType: fc.constant(MANIFEST_TYPE),
    digest: fc.nat({ max: 9 }).map(digestNo),
    size: fc.nat({ max: 9 }),
    annotations: plainNotes,
  });
  const change = fc.oneof(
    fc.record({
      op: fc.constant("annotate" as const),
      position: fc.nat({ max: 1 }),
      set: plainNotes,
      unset: fc.array(plainKey, { maxLength: 2 }),
    }),
    fc.record({
      op: fc.constant("retarget" as const),
      position: fc.nat({ max: 1 }),
      digest: fc.nat({ max: 9 }).map(digestNo),
      size: fc.nat({ max: 99 }),
    }),
  );
  fc.assert(
    fc.property(fc.tuple(entry, entry), fc.array(change, { minLength: 1, maxLength: 3 }), (entries, list) => {
      const plain = goJson({
        members: [
          ["schemaVersion", 2],
          ["manifests", entries.map((d) => descriptorNode(d))],
        ],
      });
      const spaced = JSON.stringify(JSON.parse(plain), null, 2);
      expect(edit(plain, list)).toBe(goPlain(edit(spaced, list)));
    }),
    RUNS,
  );
});

/** The same without the space; what Go escapes stays escaped. */
function goPlain(text: string): string {
  return JSON.stringify(JSON.parse(text)).replaceAll("<", "\\u003c");
}
