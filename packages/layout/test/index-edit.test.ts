import { describe, expect, test } from "vitest";
import { type Descriptor, type IndexEdit, descriptorNode, editIndex, goJson, parseDescriptor } from "../src/index.js";
import { MANIFEST_TYPE, digestNo, errorOf } from "./helpers.js";
import { snapshot } from "./index-documents.js";

const edit = (source: string, ...edits: IndexEdit[]): string => editIndex(snapshot(source), edits);
const D = (n: number): Descriptor => ({ mediaType: MANIFEST_TYPE, digest: digestNo(n), size: n });
const raw = (n: number, more = ""): string => `{"mediaType":"${MANIFEST_TYPE}","digest":"${digestNo(n)}","size":${n}${more}}`;
const index = (...entries: string[]): string => `{"schemaVersion":2,"manifests":[${entries.join(",")}]}`;
const indented = (...entries: Descriptor[]): string => JSON.stringify({ schemaVersion: 2, manifests: entries }, null, 3);
const insert = (before: number, n: number): IndexEdit => ({ op: "insert", before, descriptor: D(n) });

describe("inserts", () => {
  test("stand before the entry that they name, in the order given", () => {
    const result = edit(index(raw(1), raw(2)), insert(2, 13), insert(0, 10), insert(1, 12), insert(0, 11));
    expect(result).toBe(index(raw(10), raw(11), raw(1), raw(12), raw(2), raw(13)));
  });

  test.each([
    ['{"schemaVersion":2,"manifests":null}', index(raw(1))],
    ['{"schemaVersion":2}', index(raw(1))],
    ['{"schemaVersion":2,"manifests":[]}', index(raw(1))],
    ["{}", `{"manifests":[${raw(1)}]}`],
    ['{"annotations":{"a":"b"}}', `{"manifests":[${raw(1)}],"annotations":{"a":"b"}}`],
    ['{"x":1}', `{"x":1,"manifests":[${raw(1)}]}`],
  ])("into %s", (source, expected) => expect(edit(source, insert(0, 1))).toBe(expected));

  test("look like their nearbyEntries in an indented document", () => {
    expect(edit(indented(D(1)), insert(1, 2))).toBe(indented(D(1), D(2)));
    expect(edit(indented(), { op: "insert", before: 0, descriptor: { ...D(1), annotations: { a: "b" } } })).toBe(
      indented({ ...D(1), annotations: { a: "b" } }),
    );
  });

  test("stand apart as their nearbyEntries do where the list is laid out unlike the rest", () => {
    const source = `{"manifests":[\n${raw(1)} ,\n${raw(2)}\n]}`;
    expect(edit(source, insert(0, 3), insert(2, 4))).toBe(`{"manifests":[\n${[3, 1, 2, 4].map((n) => raw(n)).join(" ,\n")}\n]}`);
  });

  test("keep the line ends of the document", () => {
    const doc = JSON.stringify({ schemaVersion: 2, manifests: [D(1)] }, null, 2).replaceAll("\n", "\r\n");
    const result = edit(doc, insert(0, 2), { op: "annotate-index", set: { a: "b" } });
    expect(result.replaceAll("\r\n", "")).not.toContain("\n");
    expect(result).toBe(
      JSON.stringify({ schemaVersion: 2, manifests: [D(2), D(1)], annotations: { a: "b" } }, null, 2).replaceAll("\n", "\r\n"),
    );
  });
});

describe("several edits of one entry", () => {
  test("all take effect", () => {
    const edits: IndexEdit[] = [
      { op: "annotate", position: 0, set: { b: "1" } },
      { op: "annotate", position: 0, set: { a: "2" }, unset: ["c"] },
      { op: "retarget", position: 0, digest: digestNo(9), size: 99 },
    ];
    expect(edit(index(raw(1, ',"annotations":{"c":"x"}')), ...edits)).toBe(
      index(raw(9, ',"annotations":{"a":"2","b":"1"}').replace('"size":9', '"size":99')),
    );
  });

  test("removal wins, wherever it stands among them, and inserts there stay", () => {
    const annotate: IndexEdit = { op: "annotate", position: 0, set: { a: "b" } };
    const remove: IndexEdit = { op: "remove", position: 0 };
    expect(edit(index(raw(1), raw(2)), annotate, remove)).toBe(index(raw(2)));
    expect(edit(index(raw(1), raw(2)), remove, annotate, remove, insert(0, 3))).toBe(index(raw(3), raw(2)));
  });
});

describe("annotations", () => {
  test("go where the Go libraries put the member", () => {
    const set: IndexEdit = { op: "annotate", position: 0, set: { z: "1", a: "<" } };
    expect(edit(index(raw(1, ',"urls":[],"platform":{},"artifactType":"x"')), set)).toBe(
      index(raw(1, String.raw`,"urls":[],"annotations":{"a":"\u003c","z":"1"},"platform":{},"artifactType":"x"`)),
    );
    expect(edit(index(raw(1)), { op: "annotate-index", set: { a: "b" } })).toBe(
      `{"schemaVersion":2,"manifests":[${raw(1)}],"annotations":{"a":"b"}}`,
    );
  });

  test("a new key goes where Go would sort it, and the old ones keep their order", () => {
    const result = edit(index(raw(1, ',"annotations":{"z":"1","c":"2"}')), {
      op: "annotate",
      position: 0,
      set: { d: "3", zz: "4", a: "5" },
    });
    expect(result).toContain('"annotations":{"a":"5","d":"3","z":"1","c":"2","zz":"4"}');
  });

  test("unsetting the last one takes the member away, on entries and on the index", () => {
    expect(edit(index(raw(1, ',"annotations":{"a":"b"},"x":1')), { op: "annotate", position: 0, unset: ["a"] })).toBe(
      index(raw(1, ',"x":1')),
    );
    expect(edit('{"annotations":{"a":"b"},"manifests":[]}', { op: "annotate-index", unset: ["a"] })).toBe('{"manifests":[]}');
  });

  test("null counts as none", () => {
    expect(edit(index(raw(1, ',"annotations":null')), { op: "annotate", position: 0, set: { a: "b" } })).toBe(
      index(raw(1, ',"annotations":{"a":"b"}')),
    );
    expect(edit('{"manifests":null,"annotations":null}', { op: "annotate-index", set: { a: "b" } })).toBe(
      '{"manifests":null,"annotations":{"a":"b"}}',
    );
  });

  test.each(["null", "{}", '{"\\u0061":"\\u0062\\/"}', '{ "a" : "b/" }'])("what changes nothing leaves %s as it is spelled", (value) => {
    const source = index(raw(1, `,"annotations":${value}`));
    const set = value.includes("/") ? { a: "b/" } : {};
    expect(edit(source, { op: "annotate", position: 0, set, unset: ["nothing"] }, { op: "annotate-index", unset: ["x"] })).toBe(source);
    expect(edit(source, { op: "annotate", position: 0 })).toBe(source);
  });

  test("a key is found however it is spelled", () => {
    const source = index(raw(1, String.raw`,"annotations":{"\u0061\/":"1","\ud800":"2"}`));
    expect(edit(source, { op: "annotate", position: 0, set: { "a/": "x" }, unset: ["\ud800"] })).toBe(
      index(raw(1, String.raw`,"annotations":{"\u0061\/":"x"}`)),
    );
    expect(snapshot(edit(source, { op: "annotate", position: 0, set: { "\ufffd": "y" } })).quirks).toEqual([]);
  });
});

test("retarget changes digest and size and nothing else, unknown members included", () => {
  const before = '{"digest": "' + digestNo(1) + '" , "size":1,\n"mediaType":"a/b","data":"e30=","10":9007199254740993}';
  const after = before.replace(digestNo(1), digestNo(2)).replace('"size":1', '"size":2');
  expect(edit(index(before), { op: "retarget", position: 0, digest: digestNo(2), size: 2 })).toBe(index(after));
  const typed: IndexEdit = { op: "retarget", position: 0, digest: digestNo(2), size: 2, mediaType: "c/d" };
  expect(edit(index(before), typed)).toBe(index(after.replace("a/b", "c/d")));
  expect(JSON.parse(edit(index(raw(1)), typed))).toMatchObject({ manifests: [{ mediaType: "c/d", digest: digestNo(2), size: 2 }] });
});

describe("refusals", () => {
  test.each([
    ["duplicate-key", '{"manifests":[],"manifests":[]}'],
    ["duplicate-key", '{"manifests":[],"x":{"a":1,"\\u0061":1}}'],
    ["trailing-bytes", '{"manifests":[]}{}'],
    ["misspelled-member", '{"Manifests":[]}'],
    ["misspelled-member", '{"manifeſts":[],"manifests":[]}'],
    ["misspelled-member", index(raw(1, ',"Annotations":{"a":"b"}'))],
  ])("%s: an index that tools read differently is read and not edited: %s", async (reason, source) => {
    expect(editIndex(snapshot(source), [])).toBe(source);
    const error = await errorOf(() => edit(source, insert(0, 1)));
    expect(error).toMatchObject({ code: "WRITE_REFUSED", details: { reason, file: "index.json" } });
    expect(error.hint).toContain("index.json");
  });

  test.each<IndexEdit>([
    insert(3, 9),
    insert(-1, 9),
    insert(0.5, 9),
    { op: "remove", position: 2 },
    { op: "annotate", position: -1, set: {} },
    { op: "retarget", position: 1e9, digest: digestNo(1), size: 1 },
  ])("a position that is not there is a RangeError, lest an edit be lost: %j", (bad) => {
    expect(() => edit(index(raw(1), raw(2)), bad)).toThrow(RangeError);
  });
});

test("100,000 entries and 1,000 edits: far from quadratic, or this would not end in time", () => {
  const source = index(...Array.from({ length: 100_000 }, (_, i) => raw(i + 1)));
  const edits: IndexEdit[] = Array.from({ length: 1000 }, (_, i) => [
    { op: "annotate" as const, position: i * 100, set: { a: String(i) } },
    { op: "remove" as const, position: i * 100 + 1 },
    insert(i * 100 + 2, 1_000_000 + i),
  ]).flat();
  const result = snapshot(edit(source, ...edits));
  expect(result.entries).toHaveLength(100_000);
  expect(result.entries[99_900]?.descriptor.annotations).toEqual({ a: "999" });
});

describe("descriptorNode", () => {
  test("writes the members in Go's order and leaves the empty ones out, as omitempty does", () => {
    const d: Descriptor = {
      artifactType: "x/y",
      platform: { variant: "v8", "os.features": ["f"], "os.version": "1", os: "linux", architecture: "arm64" },
      data: "e30=",
      annotations: { b: "2", a: "1" },
      urls: ["https://x"],
      ...D(1),
    };
    expect(goJson(descriptorNode(d))).toBe(
      raw(
        1,
        ',"urls":["https://x"],"annotations":{"a":"1","b":"2"},"data":"e30=","platform":{"architecture":"arm64","os":"linux",' +
          '"os.version":"1","os.features":["f"],"variant":"v8"},"artifactType":"x/y"',
      ),
    );
    expect(goJson(descriptorNode({ ...D(1), urls: [], annotations: {}, data: "", artifactType: "" }))).toBe(raw(1));
  });

  test("writes what a document may hold in place of an absent member", () => {
    const odd = parseDescriptor({ ...D(1), urls: null, annotations: null, data: null, platform: null }, "$");
    expect(goJson(descriptorNode(odd))).toBe(raw(1));
  });
});
