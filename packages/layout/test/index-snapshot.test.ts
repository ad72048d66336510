import { describe, expect, test } from "vitest";
import { digestOf, parseIndex } from "../src/index.js";
import { digestNo, errorOf, text } from "./helpers.js";
import { snapshot } from "./index-documents.js";

const entry = (more: object = {}): object => ({ mediaType: "a/b", digest: digestNo(1), size: 1, ...more });

test.each(["{}", '{"manifests":null}', '{"manifests":[]}', '{"manifests":[],"annotations":null,"schemaVersion":null}'])(
  "%s is an empty index, as it is to every tool",
  (source) => expect(snapshot(source)).toMatchObject({ entries: [], annotations: {}, quirks: [], text: source }),
);

test("an entry has its position, its descriptor with unknown members, and a tag unless that is empty", () => {
  const tagged = (name: string): object => entry({ annotations: { "org.opencontainers.image.ref.name": name }, "x.y": [1] });
  const { entries } = snapshot(JSON.stringify({ manifests: [tagged("v1"), tagged(""), entry()] }));
  expect(entries.map((e) => [e.position, e.tag, "tag" in e])).toEqual([
    [0, "v1", true],
    [1, undefined, false],
    [2, undefined, false],
  ]);
  expect(entries[0]?.descriptor).toEqual(tagged("v1"));
});

test("entries of unknown algorithms are kept: another tool may know them", () => {
  expect(snapshot(JSON.stringify({ manifests: [entry({ digest: "md5:abc" })] })).entries).toHaveLength(1);
});

describe("what cannot be an index is LAYOUT_INVALID", () => {
  test.each([
    ["[]", "$"],
    ["null", "$"],
    ['"x"', "$"],
    ["", "$"],
    ["{", "$"],
    ["\ufeff{}", "$"],
    ['{"manifests":{}}', "$.manifests"],
    ['{"manifests":"x"}', "$.manifests"],
    ['{"annotations":[]}', "$.annotations"],
    ['{"annotations":{"a":1}}', "$.annotations"],
    ['{"manifests":[null]}', "$.manifests[0]"],
    [JSON.stringify({ manifests: [entry(), entry({ size: -1 })] }), "$.manifests[1].size"],
    [JSON.stringify({ manifests: [entry({ digest: "sha256:../../etc/passwd" })] }), "$.manifests[0].digest"],
    [JSON.stringify({ manifests: [entry({ annotations: { a: null } })] }), "$.manifests[0].annotations"],
  ])("%j at %s", async (source, path) => {
    const error = await errorOf(() => snapshot(source));
    expect(error).toMatchObject({ code: "LAYOUT_INVALID", details: { file: "index.json", path } });
    expect(error.message).toMatch(/^index\.json/);
    expect(error.hint).toContain("index.json");
  });
});

test("a deep document is LIMIT_EXCEEDED", async () => {
  expect((await errorOf(() => snapshot('{"a":'.repeat(100_000)))).code).toBe("LIMIT_EXCEEDED");
});

test("bytes that are not UTF-8 make the index readable and not editable", () => {
  const bytes = Buffer.concat([text('{"x":"'), Uint8Array.of(0xff), text('"}')]);
  expect(parseIndex(bytes, digestOf(bytes)).quirks.map((q) => q.kind)).toEqual(["invalid-utf8"]);
});
