import { type Descriptor, TITLE, digestOf } from "@ocilot/layout";
import { describe, expect, test } from "vitest";
import { planFiles } from "../src/extract/names.js";

const EMPTY = "application/vnd.oci.empty.v1+json";

function layer(title: string | undefined, content = title ?? ""): Descriptor {
  const bytes = Buffer.from(content);
  const annotations = title === undefined ? {} : { annotations: { [TITLE]: title } };
  return { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length, ...annotations };
}

const hexOf = (d: Descriptor): string => d.digest.slice("sha256:".length);
const names = (...layers: Descriptor[]): string[] => planFiles(layers).map((f) => f.name);
const one = (title: string): string | undefined => names(layer(title))[0];

describe("a title becomes a name that every system can hold", () => {
  test.each([
    ["a.", "a_"],
    ["a..", "a._"],
    ["a. b", "a. b"],
    ["a b", "a b"],
    [".a", ".a"],
    ["...", ".._"],
    ["con", "_con"],
    ["con.txt", "_con.txt"],
    ["conx", "conx"],
    ["xcon", "xcon"],
    ["x.con", "x.con"],
    ["lpt1", "_lpt1"],
    ["com¹.x", "_com¹.x"],
    ["com", "com"],
    ["coma", "coma"],
    ["AUX/prn", "_AUX/_prn"],
    ['a<>"?*b', "a_____b"],
    ["x.ocilot-", "x.ocilot-"],
    [".ocilot-x/y", "_.ocilot-x/y"],
    ["a/./b//c", "a/b/c"],
    ["n".repeat(255), "n".repeat(255)],
    ["é".repeat(127), "é".repeat(127)],
  ])("%j: %j", (title, name) => {
    expect(one(title)).toBe(name);
  });

  test("a whole name may have 1024 bytes", () => {
    const long = (last: number): string => `${`${"d".repeat(99)}/`.repeat(10)}${"f".repeat(last)}`;
    expect(one(long(24))).toBe(long(24));
    expect(one(long(25))).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each(["/a", "..", "a/../b", "../a"])("%j is refused and names its layer", (title) => {
    const bad = layer(title);
    expect(() => planFiles([layer("fine"), bad])).toThrow(
      expect.objectContaining({ code: "UNSAFE_NAME", details: { name: title, digest: bad.digest } }),
    );
    expect(planFiles([bad], true).map((f) => f.name)).toEqual([hexOf(bad)]);
  });
});

describe("layers without a title", () => {
  test("are named by their digests, once for the same content", () => {
    const [a, b] = [layer(undefined, "a"), layer("", "b")];
    expect(names(a, b, a)).toEqual([hexOf(a), hexOf(b)]);
    expect(planFiles([a, b]).map((f) => "title" in f)).toEqual([false, false]);
    expect(planFiles([layer("t")])[0]).toMatchObject({ title: "t" });
  });

  test("are no file if they are the empty layer; with a title they are one", () => {
    const empty: Descriptor = { ...layer(undefined, "{}"), mediaType: EMPTY };
    expect(names(empty)).toEqual([]);
    expect(names({ ...empty, annotations: { [TITLE]: "empty.json" } })).toEqual(["empty.json"]);
  });

  test("a titled layer of the same content is a file of its own", () => {
    const same = layer("a", "x");
    expect(planFiles([same, { ...same, annotations: { [TITLE]: "b" } }]).map((f) => f.name)).toEqual(["a", "b"]);
    expect(planFiles([same, same]).map((f) => f.name)).toEqual(["a", `a-${hexOf(same).slice(0, 12)}`]);
    expect(planFiles([same, { ...same, annotations: { [TITLE]: "b" } }], true).map((f) => f.name)).toEqual([hexOf(same)]);
  });
});

describe("two layers of one name", () => {
  test("the second gets part of its digest before the ending, the third of the same content the whole digest, and then a number", () => {
    const a = layer("d/sbom.json", "a");
    const b = layer("d/sbom.json", "b");
    const short = hexOf(b).slice(0, 12);
    expect(names(a, b, b, b, b)).toEqual([
      "d/sbom.json",
      `d/sbom-${short}.json`,
      `d/sbom-${hexOf(b)}.json`,
      `${hexOf(b)}-2`,
      `${hexOf(b)}-3`,
    ]);
  });

  test.each([
    ["noending", "noending-"],
    [".hidden", ".hidden-"],
    ["a.tar.gz", "a.tar-"],
  ])("%s", (title, begin) => {
    const second = layer(title, "second");
    const found = names(layer(title), second)[1]!;
    expect(found.startsWith(`${begin}${hexOf(second).slice(0, 12)}`)).toBe(true);
    expect(found.endsWith(title === "a.tar.gz" ? ".gz" : hexOf(second).slice(0, 12))).toBe(true);
  });

  test.each([
    ["A", "a"],
    ["ﬁ", "fi"],
    ["straße", "STRASSE"],
    ["a/b/c", "a"],
    ["a/b/c", "A/B"],
    ["a", "a/b/c"],
    ["a/b", "A/B/c"],
  ])("%s and %s are one name on some systems", (first, second) => {
    const found = names(layer(first, "1"), layer(second, "2"));
    expect(found[0]).toBe(first);
    expect(found[1]).not.toBe(second);
    expect(found[1]).toContain(hexOf(layer(second, "2")).slice(0, 12));
  });

  test("files may share a directory", () => {
    expect(names(layer("a/b"), layer("a/c"), layer("A/d"))).toEqual(["a/b", "a/c", "A/d"]);
  });
});

test("titles that say nothing count as none", () => {
  const [empty, dot] = [layer("", "same"), layer("./", "dot")];
  expect(names(empty, empty)).toEqual([hexOf(empty)]);
  expect(names(dot)).toEqual([hexOf(dot)]);
});

test("one part that is too long for a file system makes the digest the name, whatever the others are", () => {
  const long = layer(`a/${"b".repeat(256)}`);
  expect(names(long)).toEqual([hexOf(long)]);
  expect(one(`a/${"b".repeat(255)}`)).toBe(`a/${"b".repeat(255)}`);
});

test("a name that is taken gets its digest before its own ending, not one of its folder, and works without any", () => {
  const [first, second] = [layer("a.b/file", "1"), layer("a.b/file", "2")];
  expect(names(first, second)).toEqual(["a.b/file", `a.b/file-${hexOf(second).slice(0, 12)}`]);
  const [third, fourth] = [layer("a.b/file.json", "3"), layer("a.b/file.json", "4")];
  expect(names(third, fourth)).toEqual(["a.b/file.json", `a.b/file-${hexOf(fourth).slice(0, 12)}.json`]);
});
