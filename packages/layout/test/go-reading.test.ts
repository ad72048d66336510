import { describe, expect, test } from "vitest";
import { readAsGo } from "../src/spec/go-reading.js";
import { digestNo, errorOf } from "./helpers.js";
import { snapshot } from "./index-documents.js";

const entry = (n: number, more: object = {}): string => JSON.stringify({ mediaType: "a/b", digest: digestNo(n), size: n, ...more });
const digests = (source: string): string[] => snapshot(source).entries.map((e) => e.descriptor.digest);

describe("index.json as oras 1.3.3, skopeo, umoci and cosign read it", () => {
  test.each([
    ["Manifests", `{"Manifests":[${entry(1)}]}`, [1]],
    ["a long s", `{"manife\u017fts":[${entry(1)}]}`, [1]],
    ["an escape", `{"\\u004danifests":[${entry(1)}]}`, [1]],
    ["Digest, mediatype and SIZE", `{"manifests":[{"mediatype":"a/b","Digest":"${digestNo(1)}","SIZE":1}]}`, [1]],
    ["the last of two", `{"manifests":[${entry(1)}],"MANIFESTS":[${entry(2)}]}`, [2]],
    ["an exact one after another", `{"Manifests":[${entry(1)}],"manifests":[${entry(2)}]}`, [2]],
    ["an empty one last", `{"manifests":[${entry(1)}],"Manifests":[]}`, []],
    ["null last", `{"manifests":[${entry(1)}],"Manifests":null}`, []],
    ["two members of one name", `{"manifests":[],"manifests":[${entry(1)}]}`, [1]],
    ["a digest twice in an entry", `{"manifests":[{"mediaType":"a/b","digest":"${digestNo(1)}","size":1,"Digest":"${digestNo(2)}"}]}`, [2]],
    ["null leaves a text", `{"manifests":[{"mediaType":"a/b","digest":"${digestNo(1)}","size":1,"Digest":null}]}`, [1]],
  ])("%s", (_, source, expected) => {
    expect(digests(source)).toEqual(expected.map(digestNo));
    expect(snapshot(source).quirks).not.toEqual([]);
  });

  test("a second list is laid over the first, so that an annotation of the first stays", () => {
    const named = entry(1, { annotations: { "org.opencontainers.image.ref.name": "left" } });
    const { entries } = snapshot(`{"manifests":[${named}],"Manifests":[${entry(2)},${entry(3)}]}`);
    expect(entries.map((e) => [e.descriptor.digest, e.tag])).toEqual([
      [digestNo(2), "left"],
      [digestNo(3), undefined],
    ]);
  });

  test("names of annotations are exact, and maps are joined", () => {
    const source = `{"annotations":{"a":"1","b":"1"},"Annotations":{"A":"2","b":"2"}}`;
    expect(snapshot(source).annotations).toEqual({ a: "1", b: "2", A: "2" });
  });

  test("null takes a platform away, and another is laid over it", () => {
    const read = (more: string): unknown =>
      snapshot(
        `{"manifests":[{"mediaType":"a/b","digest":"${digestNo(1)}","size":1,"platform":{"os":"linux","architecture":"arm"},${more}}]}`,
      ).entries[0]?.descriptor.platform;
    expect(read('"Platform":null')).toBeUndefined();
    expect(read('"Platform":{"Variant":"v7"}')).toEqual({ os: "linux", architecture: "arm", variant: "v7" });
  });

  test.each(["ArtifactType", "Platform", "Data", "Urls"])("%s in an entry makes the index read-only", (member) => {
    const values: Record<string, unknown> = { ArtifactType: "x/y", Platform: { os: "linux" }, Data: "e30=", Urls: ["https://example.com"] };
    const { quirks, entries } = snapshot(`{"manifests":[${entry(1, { [member]: values[member] })}]}`);
    expect(quirks.map((q) => q.kind)).toEqual(["misspelled-member"]);
    expect(entries[0]?.descriptor).toMatchObject({ [member[0]!.toLowerCase() + member.slice(1)]: values[member] });
  });

  test.each([
    ['{"manifests":[],"Manifests":{}}', '$["Manifests"]'],
    ['{"Manifests":{},"manifests":[]}', '$["Manifests"]'],
    ['{"Manifests":["x"]}', '$["Manifests"][0]'],
    ['{"Annotations":{"a":1}}', '$["Annotations"]'],
    [`{"Manifests":[{"Size":"1"}]}`, '$["Manifests"][0]["Size"]'],
    [`{"Manifests":[{"Digest":1}]}`, '$["Manifests"][0]["Digest"]'],
  ])("what Go refuses is refused, also where a later member is right: %s", async (source, path) => {
    expect(await errorOf(() => snapshot(source))).toMatchObject({ code: "LAYOUT_INVALID", details: { path } });
  });
});

test("members that no Go library knows keep their value, also under odd names", () => {
  expect(readAsGo('{"x":1,"__proto__":[2],"X":{"a":3},"x":4}', "x")).toEqual(JSON.parse('{"x":4,"__proto__":[2],"X":{"a":3}}'));
});
