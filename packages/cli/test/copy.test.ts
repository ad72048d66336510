import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LayoutBuilder, copyOf, layoutWithFiles, run, runWith, tempDir, treeOf } from "./helpers.js";

const out = (): string => join(tempDir(), "out");

interface ListedJson {
  manifests: { digest: string }[];
}

async function referrersOf(ref: string): Promise<string[]> {
  return (JSON.parse((await run("referrers", ref, "--recursive", "--json")).stdout) as ListedJson).manifests
    .map((m) => m.digest)
    .toSorted();
}

describe("copy", () => {
  test("takes an image and its referrers, says what it did, and leaves the source alone", async () => {
    const { dir, image, referrer } = layoutWithFiles("a.txt");
    const before = treeOf(dir);
    const to = out();
    const { code, stdout, stderr } = await run("copy", `${dir}:v1`, to);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      new RegExp(`^Copied v1 ${image.digest} to .*: 2 manifests, 1 referrer\\.\\n4 blobs copied \\(.*\\), 0 already present\\.\\n$`),
    );
    expect(treeOf(dir)).toEqual(before);
    expect(await referrersOf(`${to}:v1`)).toEqual([referrer.digest]);
    const second = await run("copy", `${dir}:v1`, to, "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({ tag: "v1", written: { blobs: 0 }, present: 4 });
    expect((await run("copy", `${dir}:v1`, `${to}:stable`)).code).toBe(0);
    expect((await run("copy", "--all", dir, to)).code).toBe(0);
    expect(await referrersOf(`${to}:stable`)).toEqual([referrer.digest]);
  });

  test("leaves referrers out where that is asked, and one platform of two", async () => {
    const dir = copyOf("layouts/oras");
    const to = out();
    expect((await run("copy", `${dir}:v1`, to, "--no-referrers")).code).toBe(0);
    expect(await referrersOf(`${to}:v1`)).toEqual([]);
    const sparse = out();
    const { code, stdout } = await run("copy", `${dir}:v1`, sparse, "--platform", "linux/arm64");
    expect(code).toBe(0);
    expect(stdout).toContain("Left out for their platform: 1 manifest.");
    expect(readFileSync(join(sparse, "index.json"), "utf8")).toContain('"io.ocilot.platforms":"linux/arm64"');
    const small = await run("copy", `${dir}:v1`, out(), "--platform", "linux/arm64", "--rewrite-index");
    expect(small.code).toBe(8);
    expect(small.stdout).toContain("Left behind: sha256:");
  });

  test("exit 6: a tag that is taken, until --force; exit 3: missing content, and no new directory", async () => {
    const [a, b] = [layoutWithFiles("a.txt"), layoutWithFiles("b.txt", "c.txt")];
    const to = out();
    await run("copy", `${a.dir}:v1`, to);
    const builder = new LayoutBuilder();
    builder.manifest({ artifactType: "test/other" }, builder.tagged("v1"));
    const other = builder.write();
    const before = treeOf(to);
    const taken = await run("copy", `${other}:v1`, to);
    expect(taken.code).toBe(6);
    expect(taken.stderr).toContain("--force");
    expect(treeOf(to)).toEqual(before);
    expect((await run("copy", `${other}:v1`, to, "--force")).code).toBe(0);
    const lost = new LayoutBuilder();
    lost.manifest({ layers: [{ mediaType: "text/plain", digest: `sha256:${"1".repeat(64)}`, size: 3 }] }, lost.tagged("v1"));
    const lacking = lost.write();
    const never = out();
    const missing = await run("copy", `${lacking}:v1`, never);
    expect([missing.code, existsSync(never)]).toEqual([3, false]);
    expect(missing.stderr).toContain("--allow-missing");
    expect((await run("copy", `${lacking}:v1`, never, "--allow-missing")).code).toBe(8);
    expect(b.dir).not.toBe(a.dir);
  });

  test("exit 4: damaged content; exit 130: an interrupt", async () => {
    const { dir, image } = layoutWithFiles("a.txt");
    const to = out();
    expect((await runWith(AbortSignal.abort(), "copy", `${dir}:v1`, to)).code).toBe(130);
    expect(existsSync(to)).toBe(false);
    const path = join(dir, "blobs", ...image.digest.split(":"));
    writeFileSync(path, "x".repeat(statSync(path).size));
    expect((await run("copy", `${dir}:v1`, to)).code).toBe(4);
    expect(existsSync(to)).toBe(false);
  });

  test("--link gives the very files", async () => {
    const { dir } = layoutWithFiles("a.txt");
    const to = out();
    expect((await run("copy", `${dir}:v1`, to, "--link")).code).toBe(0);
    expect((await run("copy", "--help")).stdout).toMatch(/--link .*\n?.*only manifests are\s+hashed/);
    const linked = readdirSync(join(to, "blobs/sha256")).filter((name) => statSync(join(to, "blobs/sha256", name)).nlink > 1);
    expect(linked.length).toBeGreaterThan(0);
  });

  test.each([
    [[], 2],
    [["DST:bad tag"], 6],
    [["DST@sha256:1"], 2],
    [["DST", "--all"], 2],
    [["DST", "--platform", "linux"], 2],
    [["DST", "--platform", "linux/s390x"], 3],
    [["DST", "--rewrite-index"], 2],
    [["DST", "--convention", "orass"], 2],
    [["DST", "--convention", "cosign-tags"], 6],
    [["DST", "--wait", "-"], 2],
    [["FILE"], 3],
    [["FULL"], 3],
  ])("to %j exits %i, and nothing is made", async (more, code) => {
    const dir = copyOf("layouts/oras");
    const place = tempDir();
    writeFileSync(join(place, "file"), "");
    const before = [treeOf(dir), treeOf(place)];
    const argv = more.map((a) => a.replace("DST", join(place, "dst")).replace("FILE", join(place, "file")).replace("FULL", place));
    const { code: found, stderr } = await run("copy", `${dir}:v1`, ...argv);
    expect(found, stderr).toBe(code);
    expect([treeOf(dir), treeOf(place)]).toEqual(before);
  });

  test("--all with --platform is a mistake", async () => {
    expect((await run("copy", "--all", copyOf("layouts/oras"), out(), "--platform", "linux/amd64")).code).toBe(2);
  });
});
