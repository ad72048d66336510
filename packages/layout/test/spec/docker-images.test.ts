import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  type Digest,
  Layout,
  blobPath,
  cloneLayout,
  digestOf,
  layoutMembers,
  openArchive,
  parseDockerImages,
  writeArchive,
} from "../../src/index.js";
import { digestNo, errorOf, layoutWith, tempDir, text } from "../helpers.js";

const CONFIG = text('{"os":"linux"}');
const LAYER = text("layer");
const [config, layer] = [digestOf(CONFIG), digestOf(LAYER)];
const ITEM = { Config: blobPath(config), RepoTags: ["app:v1", "host:5000/app"], Layers: [blobPath(layer)] };
const images = (json: unknown): ReturnType<typeof parseDockerImages> => parseDockerImages({ "manifest.json": text(JSON.stringify(json)) });

/** What `docker save` of Docker 25 writes for an image without a name: it is in `manifest.json` only. */
function saved(item: object = ITEM): string {
  const dir = layoutWith('{"schemaVersion":2,"manifests":null}', [CONFIG, LAYER]);
  writeFileSync(join(dir, "manifest.json"), JSON.stringify([item]));
  return dir;
}

test("an image in manifest.json: full names, config and layers by digest", () => {
  expect(images([ITEM])).toEqual({
    images: [{ file: "manifest.json", names: ["docker.io/library/app:v1", "host:5000/app:latest"], config, layers: [layer] }],
    digests: new Set([config, layer]),
    otherFiles: [],
    unreadable: [],
  });
});

test.each([null, [], undefined])("an image without names (%j)", (RepoTags) => {
  expect(images([{ ...ITEM, RepoTags }]).images).toEqual([{ file: "manifest.json", names: [], config, layers: [layer] }]);
});

test("LayerSources name blobs by diff id and by digest", () => {
  const LayerSources = { [digestNo(1)]: { mediaType: "x", size: 1, digest: digestNo(2) }, odd: 1, [digestNo(3)]: { digest: "no" } };
  expect([...images([{ ...ITEM, LayerSources }]).digests]).toEqual([config, layer, digestNo(1), digestNo(2), digestNo(3)]);
});

test("names of files outside blobs/ are told, ./ before a name is not", () => {
  const found = images([{ Config: `./${blobPath(config)}`, Layers: ["abc/layer.tar", "blobs/sha256/short", "../blobs/x"] }]);
  expect(found.images).toEqual([{ file: "manifest.json", names: [], config, layers: [] }]);
  expect(found.otherFiles).toEqual(["abc/layer.tar", "blobs/sha256/short", "../blobs/x"]);
});

test("repositories: the names that manifest.json does not have, and the id as a digest in use", () => {
  const id = layer.slice(7);
  const documents = {
    "manifest.json": text(JSON.stringify([ITEM])),
    repositories: text(JSON.stringify({ app: { v1: id, v2: id }, "host/x": { y: "not an id" } })),
  };
  const found = parseDockerImages(documents);
  expect(found.images.slice(1)).toEqual([{ file: "repositories", names: ["docker.io/library/app:v2"], layers: [layer] }]);
  expect(parseDockerImages({ repositories: documents.repositories }).digests).toEqual(new Set([layer]));
});

test.each([
  ["manifest.json", "{}"],
  ["manifest.json", "[1]"],
  ["manifest.json", "[{}]"],
  ["manifest.json", '[{"Config":"c","Layers":[1]}]'],
  ["manifest.json", "not json"],
  ["manifest.json", "[".repeat(1000)],
  ["repositories", "[]"],
  ["repositories", '{"a":1}'],
  ["repositories", '{"a":{"b":1}}'],
] as const)("%s that says %s is reported as unreadable", (file, content) => {
  const found = parseDockerImages({ [file]: text(content) });
  expect(found.unreadable).toEqual([
    { file, error: expect.objectContaining({ code: expect.stringMatching(/^DOCUMENT_INVALID|LIMIT_EXCEEDED$/) }) },
  ]);
  expect(found.images).toEqual([]);
});

test("a directory, its archive and the copies of both list the same images", async () => {
  const dir = saved();
  const layout = await Layout.open(dir);
  const expected = await layout.dockerImages();
  expect(expected.digests).toEqual(new Set<Digest>([config, layer]));
  const tar = join(tempDir(), "x.tar");
  await writeArchive(tar, await layoutMembers(layout), { sync: false });
  const archive = await openArchive(tar);
  expect(archive.warnings).toEqual([]);
  expect(await archive.dockerImages()).toEqual(expected);
  const [cloned, unpacked] = [join(tempDir(), "a"), join(tempDir(), "b")];
  await cloneLayout(dir, cloned, { sync: false });
  await cloneLayout(archive, unpacked, { sync: false });
  for (const copy of [cloned, unpacked]) {
    expect(await (await Layout.open(copy)).dockerImages()).toEqual(expected);
    expect(readFileSync(join(copy, "manifest.json"))).toEqual(readFileSync(join(dir, "manifest.json")));
  }
  expect((await errorOf(archive.putDockerDocument("manifest.json", text("[]")))).code).toBe("WRITE_REFUSED");
  await archive.close();
});

test("a layout without them lists none, and a written one is read back", async () => {
  for (const layout of [Layout.inMemory(), await Layout.open(layoutWith())]) {
    expect((await layout.dockerImages()).images).toEqual([]);
    await layout.putDockerDocument("manifest.json", text(JSON.stringify([ITEM])));
    expect((await layout.dockerImages()).images).toHaveLength(1);
  }
});

test("a manifest.json that is a link out of the layout is refused", async () => {
  const dir = layoutWith();
  symlinkSync("/etc/hostname", join(dir, "manifest.json"));
  expect((await errorOf((await Layout.open(dir)).dockerImages())).code).toBe("LINK_OUTSIDE");
});
