import { expect, test } from "vitest";
import { foldFileName, isDeviceName } from "../../src/spec/file-name.js";

test.each(["con", "NUL", "aux.json", "com1", "lpt9.tar.gz", "com³", "prn .txt", "nul:stream", "CONIN$"])(
  "%s is a device of Windows",
  (name) => {
    expect(isDeviceName(name)).toBe(true);
  },
);

test.each(["", "conx", "xcon", "x.con", "com", "com10", "con-1", "con x", "lpt"])("%j is a file everywhere", (name) => {
  expect(isDeviceName(name)).toBe(false);
});

test("names that differ in letters or in how they are composed may be one file", () => {
  expect(foldFileName("SBOM.json")).toBe(foldFileName("sbom.JSON"));
  expect(foldFileName("\u00e9")).toBe(foldFileName("e\u0301"));
  expect(foldFileName("ﬁle")).toBe(foldFileName("file"));
  expect(foldFileName("a")).not.toBe(foldFileName("b"));
});
