import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONTAINERD_IMAGE_NAME, Layout, type LayoutWarning, REF_NAME, cloneLayout, digestOf, openArchive } from "../../src/index.js";
import { D, HELLO, type RawMember, archiveWith, layoutMembers, refusal, tar } from "../archives/tar-maker.js";
import { collect, tempDir, text } from "../helpers.js";

/** Opens an archive of the layout of the tests, reads its blob, and returns its warnings. */
async function warningsOf(members: readonly RawMember[], end?: Uint8Array): Promise<readonly LayoutWarning[]> {
  await using layout = await openArchive(archiveWith(tar(members, end)));
  expect((await layout.index.read()).entries.map((e) => e.descriptor.digest)).toEqual([D.digest]);
  expect(Buffer.from(await layout.blobs.bytes(D))).toEqual(Buffer.from(HELLO));
  // The hint of every warning leads to an archive or layout without it.
  const copy = join(tempDir(), "copy");
  await cloneLayout(layout, copy, { sync: false });
  expect((await Layout.open(copy)).warnings).toEqual([]);
  return layout.warnings;
}

const [, index, blob] = layoutMembers();
const MANIFEST_JSON = JSON.stringify([{ Config: "blobs/sha256/x", RepoTags: ["app:v1"], Layers: [] }]);

test("index.json decides: without oci-layout it is a layout, whatever manifest.json lists", async () => {
  for (const members of [
    [index!, blob!],
    [{ name: "manifest.json", body: MANIFEST_JSON }, index!, blob!],
  ]) {
    const [warning, ...others] = await warningsOf(members);
    expect(others).toEqual([]);
    expect(warning).toMatchObject({ code: "MARKER_MISSING", message: expect.stringContaining("oci-layout is missing") });
    expect(warning!.hint).toMatch(/ocilot copy --all .*x\.tar NEW\.tar/);
  }
});

test.each(["layout/", "./layout/"])("one folder around everything (%s) is read, with a warning", async (prefix) => {
  const members = layoutMembers().map((m) => ({ ...m, name: `${prefix}${m.name as string}` }));
  const [warning, ...others] = await warningsOf([{ name: prefix, type: "5" }, ...members]);
  expect(others).toEqual([]);
  expect(warning).toMatchObject({ code: "TOP_FOLDER", message: expect.stringContaining('in the folder "layout/"') });
});

test("two folders, or a file beside the folder, are not guessed at", async () => {
  const inFolder = layoutMembers().map((m) => ({ ...m, name: `layout/${m.name as string}` }));
  for (const other of ["other/x", "x"]) {
    expect(await refusal(tar([...inFolder, { name: other, body: "" }]))).toMatchObject({
      code: "NOT_A_LAYOUT",
      details: { reason: "no-index" },
    });
  }
});

test("files of macOS are skipped, also around a folder", async () => {
  const apple = "\0\x05\x16\x07";
  const members = layoutMembers().flatMap((m) => {
    const at = (m.name as string).lastIndexOf("/") + 1;
    return [{ name: `./${(m.name as string).slice(0, at)}._${(m.name as string).slice(at)}`, body: apple }, m];
  });
  const [warning, ...others] = await warningsOf([...members, { name: "blobs/.DS_Store", body: "x" }, { name: "__MACOSX/a", body: "x" }]);
  expect(others).toEqual([]);
  expect(warning).toMatchObject({ code: "MACOS_FILES", message: expect.stringContaining("5 files of macOS") });
  const inFolder = [...layoutMembers().map((m) => ({ ...m, name: `a/${m.name as string}` })), { name: "._a", body: apple }];
  expect((await warningsOf(inFolder)).map((w) => w.code)).toEqual(["MACOS_FILES", "TOP_FOLDER"]);
});

test("a tar without an end mark", async () => {
  const [warning, ...others] = await warningsOf(layoutMembers(), new Uint8Array());
  expect(others).toEqual([]);
  expect(warning).toMatchObject({ code: "NO_END_MARK", hint: expect.stringContaining("ocilot copy --all") });
});

test("a dir: of skopeo is named as what it is", async () => {
  const members = [
    { name: "version", body: "Directory Transport Version: 1.1\n" },
    { name: "manifest.json", body: '{"schemaVersion":2,"config":{}}' },
  ];
  expect(await refusal(tar(members))).toMatchObject({ code: "NOT_A_LAYOUT", details: { reason: "skopeo-dir" } });
});

test("a zip file, compressions that are not read, and nothing at all each say what to do", async () => {
  expect((await refusal(Buffer.from("PK\x03\x04 and more"))).hint).toContain("unzip");
  const magic = { xz: "fd377a585a00", bzip2: "425a68", lz4: "04224d18" };
  for (const [name, bytes] of Object.entries(magic)) {
    const error = await refusal(Buffer.concat([Buffer.from(bytes, "hex"), Buffer.alloc(100)]));
    expect(error).toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining(`${name} -d`) });
  }
});

test("docker archives: images of two repositories with one tag keep their full names", async () => {
  const image = (seed: string, names: readonly string[] | null): { members: RawMember[]; item: object } => {
    const config = JSON.stringify({ seed, rootfs: { type: "layers", diff_ids: [digestOf(text(seed))] } });
    return {
      members: [
        { name: `${seed}.json`, body: config },
        { name: `${seed}/layer.tar`, body: seed },
      ],
      item: { Config: `${seed}.json`, RepoTags: names, Layers: [`${seed}/layer.tar`] },
    };
  };
  const images = [image("a", ["a:latest", "host:5000/team/a:1.0"]), image("b", ["b:latest"]), image("c", null)];
  const members = [...images.flatMap((i) => i.members), { name: "manifest.json", body: JSON.stringify(images.map((i) => i.item)) }];
  await using layout = await openArchive(archiveWith(tar(members)));
  expect(layout.warnings).toMatchObject([{ code: "DOCKER_ARCHIVE", hint: expect.stringContaining("ocilot copy --all") }]);
  const { entries } = await layout.index.read();
  expect(entries.map((e) => e.descriptor.annotations)).toEqual([
    { [CONTAINERD_IMAGE_NAME]: "docker.io/library/a:latest", [REF_NAME]: "latest" },
    { [CONTAINERD_IMAGE_NAME]: "host:5000/team/a:1.0", [REF_NAME]: "1.0" },
    { [CONTAINERD_IMAGE_NAME]: "docker.io/library/b:latest", [REF_NAME]: "latest" },
    undefined,
  ]);
  const [a, , b] = entries.map((e) => e.descriptor.digest);
  for (const name of ["a:latest", "team/a:1.0"]) expect((await layout.resolve(name)).digest).toBe(a);
  expect((await layout.resolve("library/b:latest")).digest).toBe(b);
  await expect(layout.resolve("latest")).rejects.toMatchObject({ code: "REF_AMBIGUOUS", details: { candidates: { length: 2 } } });
  expect(await collect(layout.blobs.list())).toHaveLength(9);
});

test("what the hint for an unpacked docker archive says can be followed", async () => {
  const dir = join(tempDir(), "it's one");
  mkdirSync(dir);
  const config = JSON.stringify({ rootfs: { type: "layers", diff_ids: [digestOf(text("x"))] } });
  const item = { Config: "c.json", RepoTags: ["a:1"], Layers: ["l.tar"] };
  for (const [name, body] of [
    ["c.json", config],
    ["l.tar", "x"],
    ["manifest.json", JSON.stringify([item])],
  ] as const)
    writeFileSync(join(dir, name), body);
  const error: unknown = await Layout.open(dir).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "NOT_A_LAYOUT", details: { reason: "docker-archive" } });
  const [, command] = /with: (.*) ; ocilot/.exec((error as { hint: string }).hint)!;
  execFileSync("sh", ["-c", command!], { cwd: tempDir() });
  const cwd = tempDir();
  execFileSync("sh", ["-c", command!], { cwd });
  await using layout = await openArchive(join(cwd, "NEW.tar"));
  expect((await layout.resolve("a:1")).size).toBeGreaterThan(0);
  rmSync(dir, { recursive: true });
});
