import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run, tempDir, treeOf } from "./helpers.js";

test("init makes an empty layout in a new or empty directory", async () => {
  for (const dir of [tempDir(), join(tempDir(), "deep/er")]) {
    expect((await run("init", dir)).code).toBe(0);
    expect(readdirSync(dir).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect((await run("ls", dir)).code).toBe(0);
    const before = treeOf(dir);
    expect((await run("init", dir)).code).toBe(6);
    expect(treeOf(dir)).toEqual(before);
  }
});

test("init refuses a file, and says where a layout is asked for and none given", async () => {
  const path = join(tempDir(), "file");
  writeFileSync(path, "");
  expect((await run("init", path)).code).toBe(6);
  expect((await run("init", join(path, "x"))).code).toBe(6);
  expect((await run("init")).code).toBe(2);
});
