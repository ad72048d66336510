import { describe, expect, test } from "vitest";
import { MAX_NAME_BYTES, linkTarget, memberName } from "../../src/archive/member-name.js";
import { errorOf } from "../helpers.js";

const refused = async (raw: string, isNamed = false): Promise<string> => {
  const error = await errorOf(() => memberName("x.tar", raw, isNamed));
  expect(error).toMatchObject({ code: "UNSAFE_NAME", details: { name: raw } });
  return error.message;
};

describe("memberName", () => {
  test.each([
    ["a/b", "a/b"],
    ["./a", "a"],
    ["a//b/", "a/b"],
    ["a/./b", "a/b"],
    ["./", ""],
    ["", ""],
    ["...", "..."],
    ["..a/b..", "..a/b.."],
    ["ab:/x", "ab:/x"],
    ["a/C:/x", "a/C:/x"],
    ["C:x", "C:x"],
    ["a\\b", "a\\b"],
  ])("%j is the name %j", (raw, name) => {
    expect(memberName("x.tar", raw, false)).toBe(name);
    if (name !== "") expect(memberName("x.tar", raw, true)).toBe(name);
  });

  test.each([
    ["/a", "is absolute"],
    ["c:/x", "is absolute"],
    ["Z:\\x", "is absolute"],
    ["..", "leads out"],
    ["a/..", "leads out"],
    ["a\\..\\b", "leads out"],
    ["a\0", "contains NUL"],
  ])("%j is refused: %s", async (raw, why) => {
    expect(await refused(raw)).toContain(why);
  });

  test.each(["", ".", "./", ".//."])("a file may not be the root (%j)", async (raw) => {
    expect(await refused(raw, true)).toContain("is empty");
  });

  test("a name may have 4096 bytes, whatever its letters, and 100 components that are names", async () => {
    expect(MAX_NAME_BYTES).toBe(4096);
    expect(memberName("x.tar", "n".repeat(4096), true)).toHaveLength(4096);
    expect(memberName("x.tar", "é".repeat(2048), true)).toHaveLength(2048);
    for (const raw of ["n".repeat(4097), "é".repeat(2049)]) expect(await refused(raw)).toContain("longer than 4096 bytes");
    const parts = (count: number, between = "/"): string => Array.from({ length: count }, () => "d").join(between);
    expect(memberName("x.tar", parts(100), true)).toBe(parts(100));
    expect(memberName("x.tar", `./${parts(100, "/./")}/`, true)).toBe(parts(100));
    expect(memberName("x.tar", parts(100, "//"), true)).toBe(parts(100));
    for (const raw of [parts(101), parts(101, "\\")]) expect(await refused(raw)).toContain("more than 100 components");
  });
});

describe("linkTarget", () => {
  test.each([
    ["a/b/link", "c", "symlink", "a/b/c"],
    ["a/b/link", "c", "link", "c"],
    ["a/b/link", "../c", "symlink", "a/c"],
    ["a/b/link", "../../c", "symlink", "c"],
    ["a/b/link", "../../../c", "symlink", undefined],
    ["a/b/link", "../c", "link", undefined],
    ["a/b/link", "x/../c", "link", "c"],
    ["a/b/link", "x/../../c", "link", undefined],
    ["a/b/link", ".//./c/", "symlink", "a/b/c"],
    ["link", "c", "symlink", "c"],
    ["link", "", "symlink", undefined],
    ["link", "/c", "link", undefined],
    ["link", "c\0", "link", undefined],
    ["link", "a\\c", "symlink", undefined],
  ] as const)("of %s to %j, a %s, is %s", (from, target, kind, found) => {
    expect(linkTarget(from, target, kind)).toBe(found);
  });
});
