import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ListedNames } from "../../src/directory/listed-names.js";
import { Layout, missingFrom } from "../../src/index.js";
import { descriptorOf, layoutWith, tempDir, text } from "../helpers.js";

test.skipIf(process.platform === "win32")("files are there, other names are not, and what may lead to a file is to be asked for", () => {
  const dir = tempDir();
  for (const name of ["file", "UPPER"]) writeFileSync(join(dir, name), "");
  symlinkSync("file", join(dir, "link"));
  mkdirSync(join(dir, "directory"));
  const names = new ListedNames(dir);
  expect(["file", "absent", "UPPER", "upper", "link", "directory"].map((name) => names.hasFile(name))).toEqual([
    true,
    false,
    true,
    undefined,
    undefined,
    undefined,
  ]);
});

test("of many blobs those are missing that have no file of their size", async () => {
  const present = Array.from({ length: 300 }, (_, i) => text(`present ${i}`));
  const absent = Array.from({ length: 300 }, (_, i) => descriptorOf(text(`absent ${i}`)));
  const layout = await Layout.open(layoutWith(undefined, present));
  const [first, ...rest] = present.map((bytes) => descriptorOf(bytes));
  const wrong = { ...first!, size: first!.size + 1 };
  expect(await missingFrom(layout, [wrong, ...absent, ...rest])).toEqual([wrong, ...absent]);
});
