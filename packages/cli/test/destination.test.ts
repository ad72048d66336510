import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseDestination } from "../src/reference/destination.js";
import { FIXTURES, layoutWithFiles, run, tempDir, treeOf } from "./helpers.js";

/** Runs the rest of a test in a new directory. */
function inTempDir(): string {
  const [dir, before] = [tempDir(), process.cwd()];
  process.chdir(dir);
  onTestFinished(() => process.chdir(before));
  return dir;
}

describe("a destination that does not exist", () => {
  test.each([
    ["out", "directory", "out", undefined],
    ["out:v1", "directory", "out", "v1"],
    ["out:docker.io/library/app:1.0", "directory", "out", "docker.io/library/app:1.0"],
    ["oci:out:docker.io/library/app:1.0", "directory", "out", "docker.io/library/app:1.0"],
    ["deep/er/out:app:1.0", "directory", "deep/er/out", "app:1.0"],
    ["C:\\images\\out:v1", "directory", "C:\\images\\out", "v1"],
    ["x.tar", "archive", "x.tar", undefined],
    ["x.tar:v1", "archive", "x.tar", "v1"],
    ["x.tar:docker.io/library/app:1.0", "archive", "x.tar", "docker.io/library/app:1.0"],
    ["x.TAR.GZ", "archive", "x.TAR.GZ", undefined],
    ["oci-archive:x:v1", "archive", "x", "v1"],
    ["-", "archive", "-", undefined],
    ["-:v1", "archive", "-", "v1"],
    ["out:v1.tar", "directory", "out", "v1.tar"],
    ["out.zip/", "directory", "out.zip/", undefined],
  ])("%s is a %s %s with the tag %s", (text, kind, path, tag) => {
    inTempDir();
    expect(parseDestination(text)).toEqual({ kind, path, ...(tag !== undefined && { tag }) });
  });

  test.each(["out:", "x.tar:", ":v1", "", `out@sha256:${"0".repeat(64)}`, `out:v1@sha256:${"0".repeat(64)}`])("%j is refused", (text) => {
    inTempDir();
    expect(() => parseDestination(text)).toThrow(/^the destination /);
  });
});

describe("a destination that exists", () => {
  test("the longest layout is the path, and a directory on the way may hold a colon", () => {
    inTempDir();
    for (const name of ["a", "a:b", "dir:x/deep"]) cpSync(join(FIXTURES, "layouts/oras"), name, { recursive: true });
    mkdirSync("x.tar");
    expect(parseDestination("a:v1")).toMatchObject({ path: "a", tag: "v1" });
    expect(parseDestination("a:b")).toEqual({ kind: "directory", path: "a:b" });
    expect(parseDestination("a:b:docker.io/library/app:1.0")).toMatchObject({ path: "a:b", tag: "docker.io/library/app:1.0" });
    expect(parseDestination("a:docker.io/library/app:1.0")).toMatchObject({ path: "a", tag: "docker.io/library/app:1.0" });
    expect(parseDestination("dir:x/deep:v1")).toMatchObject({ path: "dir:x/deep", tag: "v1" });
    expect(parseDestination("dir:x/new:v1")).toMatchObject({ path: "dir:x/new", tag: "v1" });
    expect(parseDestination("x.tar")).toEqual({ kind: "directory", path: "x.tar" });
  });
});

test("copying to full names, as skopeo does, makes no tree of directories", async () => {
  const { dir } = layoutWithFiles("a.txt");
  const place = inTempDir();
  expect((await run("copy", `${dir}:v1`, "out:docker.io/library/app:1.0")).code).toBe(0);
  expect((await run("copy", `${dir}:v1`, "out:docker.io/library/other:2.0")).code).toBe(0);
  expect((await run("copy", `${dir}:v1`, "x.tar:docker.io/library/app:1.0")).code).toBe(0);
  expect(readdirSync(place).toSorted()).toEqual(["out", "x.tar"]);
  const index = JSON.parse(readFileSync("out/index.json", "utf8")) as { manifests: { annotations?: Record<string, string> }[] };
  expect(index.manifests.flatMap((m) => m.annotations?.["org.opencontainers.image.ref.name"] ?? [])).toEqual(
    expect.arrayContaining(["docker.io/library/app:1.0", "docker.io/library/other:2.0"]),
  );
  for (const ref of ["out:app:1.0", "out:docker.io/library/other:2.0", "x.tar:library/app:1.0", "x.tar:1.0"])
    expect((await run("cat", ref)).code, ref).toBe(0);
});

describe("a name that ends like an archive of another kind", () => {
  test.each(["x.tar.xz", "x.tar.bz2", "x.tar.lz4", "x.txz", "x.tbz2", "x.oci", "x.zip", "x.gz", "x.zst", "x.ZIP"])(
    "%s is refused by copy, convert and init, which name the known ones",
    async (name) => {
      const { dir } = layoutWithFiles("a.txt");
      const place = inTempDir();
      const copied = await run("copy", `${dir}:v1`, name);
      expect([copied.code, copied.stderr]).toEqual([2, expect.stringContaining(".tar, .tar.gz, .tgz, .tar.zst, .tzst")]);
      expect((await run("convert", dir, "--to", "oras", "--output", name)).code).toBe(2);
      expect((await run("init", name)).code).toBe(2);
      expect(readdirSync(place)).toEqual([]);
    },
  );

  test(".tar is refused where a directory is written", async () => {
    const { dir } = layoutWithFiles("a.txt");
    inTempDir();
    expect(await run("convert", dir, "--to", "oras", "--output", "x.tar")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("ocilot copy --all") as string,
    });
    expect(existsSync("x.tar")).toBe(false);
  });
});

test("every command that changes a layout refuses an archive with one code and one text", async () => {
  const { dir, image } = layoutWithFiles("a.txt");
  const place = inTempDir();
  await run("copy", "--all", dir, "full.tar");
  const before = treeOf(place);
  const commands: string[][] = [
    ["gc", "full.tar"],
    ["lift", "full.tar"],
    ["repair", "full.tar"],
    ["tag", "full.tar:v1", "v2"],
    ["untag", "full.tar:v1"],
    ["detach", `full.tar@${image.digest}`],
    ["attach", "full.tar:v1", "--artifact-type", "a/b"],
  ];
  for (const argv of commands) {
    const { code, stderr } = await run(...argv);
    expect([code, stderr.split("\n").slice(0, 2)], argv[0]).toEqual([
      6,
      [
        "ocilot: full.tar is an archive; archives cannot be changed in place",
        "  hint: Copy it to a directory first: ocilot copy --all full.tar DIR",
      ],
    ]);
  }
  expect((await run("copy", `${dir}:v1`, "full.tar")).code).toBe(6);
  expect(treeOf(place)).toEqual(before);
});
