import { join, normalize, sep } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Digest, blobPath, compareDigests, isAlgorithm, isDigest, parseDigest, splitDigest } from "../src/index.js";
import { errorOf } from "./helpers.js";

const HEX = "0123456789abcdef".repeat(4);
/** Strings that come close to a digest, so that a loose check would let some of them through. */
const nearDigest = fc
  .array(fc.constantFrom("sha256", "sha512", ":", "/", "\\", "..", ".", "\0", "+", "-", "_", "=", "b3", "A", " ", "\n", HEX, "%2e"), {
    maxLength: 7,
  })
  .map((parts) => parts.join(""));
const algorithm = fc.stringMatching(/^[a-z0-9]{1,8}([+._-][a-z0-9]{1,8}){0,3}$/).filter((a) => !isAlgorithm(a));
const unknownDigest = fc.tuple(algorithm, fc.stringMatching(/^[a-zA-Z0-9=_-]{1,200}$/)).map(([a, e]) => `${a}:${e}`);

describe("isDigest", () => {
  test.each([
    ["sha256", 64],
    ["sha384", 96],
    ["sha512", 128],
    ["blake3", 64],
  ])("%s takes exactly %i lower-case hex digits", (name, length) => {
    const hex = HEX.repeat(2).slice(0, length);
    expect(isDigest(`${name}:${hex}`)).toBe(true);
    for (const bad of [hex.slice(1), `${hex}0`, hex.toUpperCase(), `g${hex.slice(1)}`, "", `${hex.slice(1)}=`, `${hex.slice(1)}\n`]) {
      expect(isDigest(`${name}:${bad}`), bad).toBe(false);
    }
  });

  test.each([
    "",
    ":",
    "sha256",
    "sha256:",
    `:${HEX}`,
    "sha256:../../etc/passwd",
    `sha256:..${HEX.slice(2)}`,
    `../sha256:${HEX}`,
    `SHA256:${HEX}`,
    `sha256:sha256:${HEX}`,
    `sha256+:${HEX}`,
    `+sha256:${HEX}`,
    "a..b:cc",
    "x:y/z",
    "x:y\\z",
    "x:y\0",
    "x:y:z",
    ` sha256:${HEX}`,
    `sha256:${HEX}\n`,
  ])("refuses %j", (value) => expect(isDigest(value)).toBe(false));

  test.each([null, undefined, 7, {}, [], [`sha256:${HEX}`], { toString: () => `sha256:${HEX}` }])(
    "refuses what is no string: %j",
    (value) => expect(isDigest(value)).toBe(false),
  );

  test("refuses a string of 100,000 characters, whatever it is made of", () => {
    for (const unit of ["a", "a+", "a:", "."]) expect(isDigest(unit.repeat(100_000)), unit).toBe(false);
    expect(isDigest(`x:${"a".repeat(100_000)}`)).toBe(false);
  });

  test("accepts algorithms that are not registered, which must be kept though not computed", () => {
    for (const value of [
      "md5:d41d8cd98f00b204e9800998ecf8427e",
      "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
      "multihash.v1:Qm==",
    ]) {
      expect(isDigest(value), value).toBe(true);
    }
    fc.assert(fc.property(unknownDigest, (value) => isDigest(value)));
  });

  test("never accepts what could leave its directory", () => {
    fc.assert(
      fc.property(fc.oneof(nearDigest, fc.string({ unit: "binary" }), unknownDigest), (value) => {
        if (isDigest(value)) expect(value).not.toMatch(/[/\\\0\s]|\.\./u);
      }),
      { numRuns: 5000 },
    );
  });
});

test("blobPath stays below blobs/ for every digest, as a path of three names", () => {
  fc.assert(
    fc.property(fc.oneof(unknownDigest, fc.constant(`sha256:${HEX}`)), (value) => {
      const path = blobPath(parseDigest(value));
      expect(path.split("/")).toHaveLength(3);
      expect(normalize(join("root", path)).startsWith(join("root", "blobs") + sep)).toBe(true);
      for (const name of path.split("/")) expect(name.length).toBeLessThan(256);
    }),
  );
});

test("splitDigest gives the two halves back", () => {
  expect(splitDigest("sha256+b64u:a_b=" as Digest)).toEqual({ algorithm: "sha256+b64u", encoded: "a_b=" });
});

test("isAlgorithm is not fooled by the names of Object.prototype", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) expect(isAlgorithm(name)).toBe(false);
  expect(isDigest("constructor:abc")).toBe(true);
});

test("compareDigests orders bytewise", () => {
  expect(["sha512:a", "sha256:b", "sha256:a"].toSorted(compareDigests)).toEqual(["sha256:a", "sha256:b", "sha512:a"]);
  expect(compareDigests("a", "a")).toBe(0);
});

describe("parseDigest", () => {
  test("says what is wrong, where, and what a digest looks like", async () => {
    const error = await errorOf(() => parseDigest("sha256:abc", "$.manifests[3].digest"));
    expect(error).toMatchObject({ code: "DIGEST_INVALID", details: { value: "sha256:abc", path: "$.manifests[3].digest" } });
    expect(error.message).toContain('$.manifests[3].digest: "sha256:abc"');
    expect(error.hint).toContain("64 lower-case hex");
  });

  test("survives a document whose value cannot be turned into a string", async () => {
    for (const value of [JSON.parse('{"toString":1,"valueOf":1}'), JSON.parse('[{"toString":1,"valueOf":1}]'), null, undefined, 7]) {
      expect((await errorOf(() => parseDigest(value))).code).toBe("DIGEST_INVALID");
    }
  });

  test("does not repeat a huge value in its message", async () => {
    expect((await errorOf(() => parseDigest("x".repeat(1_000_000)))).message.length).toBeLessThan(300);
  });
});
