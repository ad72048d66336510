import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Layout, cloneLayout, isLayoutDirectory } from "../../src/index.js";
import { descriptorOf, dirWith, errorOf, layoutWith, namesIn, tempDir, text, treeOf } from "../helpers.js";

const HELLO = text("hello");
const D = descriptorOf(HELLO);

function bare(): string {
  const dir = layoutWith(JSON.stringify({ schemaVersion: 2, manifests: [D] }), [HELLO]);
  rmSync(join(dir, "oci-layout"));
  return dir;
}

test("a directory without oci-layout is read with a warning, never written, and sound after the one line of the hint", async () => {
  const dir = bare();
  const layout = await Layout.open(dir);
  expect(layout.warnings).toMatchObject([{ code: "MARKER_MISSING" }]);
  expect((await layout.resolve("")).digest).toBe(D.digest);
  expect(Buffer.from(await layout.blobs.bytes(D))).toEqual(Buffer.from(HELLO));
  const before = treeOf(dir);
  for (const write of [
    layout.blobs.put(text("x")),
    layout.blobs.delete(D.digest),
    layout.index.update(() => []),
    layout.putDockerDocument("manifest.json", text("[]")),
  ]) {
    expect(await errorOf(write)).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "marker-missing" } });
  }
  expect(treeOf(dir)).toEqual(before);
  const [, command] = /with: (.*)$/.exec(layout.warnings[0]!.hint!)!;
  execFileSync("sh", ["-c", command!]);
  const fixed = await Layout.open(dir);
  expect([fixed.version, fixed.warnings]).toEqual(["1.0.0", []]);
  await fixed.blobs.put(text("x"));
});

test("a clone adds the file", async () => {
  const target = join(tempDir(), "t");
  await cloneLayout(bare(), target, { sync: false });
  const layout = await Layout.open(target);
  expect([layout.version, layout.warnings]).toEqual(["1.0.0", []]);
});

test("an index.json of something else does not make a layout", async () => {
  for (const files of [
    { "index.json": '{"name":"x"}', "blobs/": "" },
    { "index.json": "[]", "blobs/x": "" },
    { "index.json": '{"manifests":[]}' },
  ]) {
    expect(await errorOf(Layout.open(dirWith(files)))).toMatchObject({ code: "NOT_A_LAYOUT", details: { reason: "no-index" } });
  }
});

test("a broken index.json is reported as that", async () => {
  const dir = bare();
  writeFileSync(join(dir, "index.json"), '{"manifests":[');
  const layout = await Layout.open(dir);
  expect((await errorOf(layout.index.read())).code).toBe("LAYOUT_INVALID");
});

test("other formats are named, each with what to do", async () => {
  const skopeo = dirWith({ version: "Directory Transport Version: 1.1\n", "manifest.json": '{"schemaVersion":2}', abc: "" });
  expect(await errorOf(Layout.open(skopeo))).toMatchObject({
    details: { reason: "skopeo-dir" },
    hint: expect.stringContaining(`skopeo copy dir:${skopeo}`),
  });
  const parent = tempDir();
  mkdirSync(join(parent, "my layout"));
  await Layout.create(join(parent, "my layout"));
  const error = await errorOf(Layout.open(parent));
  expect(error).toMatchObject({ code: "NOT_A_LAYOUT", details: { reason: "layout-below" } });
  expect(error.hint).toBe(`Name it: '${join(parent, "my layout")}'`);
});

test("isLayoutDirectory", () => {
  const dir = bare();
  expect([
    isLayoutDirectory(dir),
    isLayoutDirectory(layoutWith()),
    isLayoutDirectory(tempDir()),
    isLayoutDirectory(join(dir, "index.json", "x")),
  ]).toEqual([true, true, false, false]);
});

test.each([
  {},
  { "blobs/": "" },
  { "blobs/sha256/": "" },
  { "blobs/sha256/": "", "index.json": "" },
  { "blobs/sha256/": "", "index.json": '{"schemaVersion":2,' },
  {
    "blobs/sha256/": "",
    "index.json": '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
    "oci-layout": '{"image',
  },
])("what a killed create left (%j) is completed by the next one", async (files) => {
  const dir = dirWith(files);
  const layout = await Layout.create(dir);
  expect([layout.version, layout.warnings]).toEqual(["1.0.0", []]);
  expect((await layout.index.read()).entries).toEqual([]);
  expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
});

test.each([
  { "blobs/sha256/x": "" },
  { "blobs/sha512/": "" },
  { "index.json": '{"schemaVersion":3' },
  { blobs: "a file" },
  { "blobs/sha256/": "", note: "" },
  { "oci-layout": '{"imageLayoutVersion":"1.0.0"}' },
])("anything else (%j) is left alone", async (files) => {
  const dir = dirWith(files);
  const before = treeOf(dir);
  expect((await errorOf(Layout.create(dir))).code).toBe("OUTPUT_EXISTS");
  expect(treeOf(dir)).toEqual(before);
});
