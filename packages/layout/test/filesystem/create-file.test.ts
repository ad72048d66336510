import { existsSync, linkSync, readFileSync, writeFileSync } from "node:fs";
import { link } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createFile } from "../../src/filesystem/create-file.js";
import { Layout } from "../../src/index.js";
import { namesIn, tempDir, text } from "../helpers.js";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => vi.mocked(link).mockReset());

test("index.json and oci-layout of a new layout are complete as soon as they are there", async () => {
  const dir = tempDir();
  const seen: [string, boolean, string][] = [];
  vi.mocked(link).mockImplementation(async (temp, path) => {
    seen.push([String(path), existsSync(path), readFileSync(temp, "utf8")]);
    linkSync(temp, path);
  });
  await Layout.create(dir);
  const files = ["index.json", "oci-layout"].map((name) => join(dir, name));
  expect(seen.filter(([path]) => files.includes(path))).toEqual(files.map((path) => [path, false, readFileSync(path, "utf8")]));
  expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
});

test.each([
  ["hard links", undefined],
  ["no hard links", "ENOTSUP"],
])("a file that came in meanwhile stays as it is, with %s", async (_, code) => {
  if (code !== undefined) vi.mocked(link).mockRejectedValue(Object.assign(new Error(code), { code }));
  const dir = tempDir();
  await createFile(dir, join(dir, "new"), text("new"), { sync: false });
  writeFileSync(join(dir, "old"), "old");
  await expect(createFile(dir, join(dir, "old"), text("new"), { sync: true })).rejects.toMatchObject({ code: "EEXIST" });
  expect(["new", "old"].map((name) => readFileSync(join(dir, name), "utf8"))).toEqual(["new", "old"]);
  expect(namesIn(dir)).toEqual(["new", "old"]);
});
