import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { blobPath, digestOf } from "@ocilot/layout";
import { FIXTURES, LayoutBuilder, layoutWithFiles, run, tempDir } from "./helpers.js";

const TYPE = ["--artifact-type", "test/files"] as const;

describe("extract", () => {
  test("writes the layers of a referrer by their titles", async () => {
    const { dir, referrer } = layoutWithFiles("sbom.json", "sub/dir/notes.txt");
    const out = join(tempDir(), "new/out");
    const byType = await run("extract", `${dir}:v1`, ...TYPE, "--output", out);
    expect(byType).toMatchObject({ code: 0, stdout: `${join(out, "sbom.json")}\n${join(out, "sub/dir/notes.txt")}\n`, stderr: "" });
    expect(readFileSync(join(out, "sbom.json"), "utf8")).toBe("content 0");
    expect(readFileSync(join(out, "sub/dir/notes.txt"), "utf8")).toBe("content 1");
    expect(readdirSync(out)).toEqual(["sbom.json", "sub"]);
    const byDigest = await run("extract", `${dir}@${referrer.digest}`, "--output", join(tempDir(), "x"));
    expect(byDigest.code).toBe(0);
  });

  test.each(["oras", "notation"])("works on the fixture %s", async (name) => {
    const out = tempDir();
    const { code } = await run(
      "extract",
      join(FIXTURES, `layouts/${name}:v1`),
      "--artifact-type",
      "application/spdx+json",
      "--output",
      out,
    );
    expect(code).toBe(0);
    expect(readdirSync(out)).toEqual(["sbom.spdx.json"]);
  });

  test.each(["/etc/passwd", "../x", "a/../../x", "..", "a/.."])("refuses the name %s, which leads out of the directory", async (title) => {
    const { dir } = layoutWithFiles("fine.txt", title);
    const parent = tempDir();
    const { code, stderr } = await run("extract", `${dir}:v1`, ...TYPE, "--output", join(parent, "out"));
    expect(code).toBe(6);
    expect(stderr).toMatch(/^ocilot: the title .+; nothing was written\n {2}hint: .+--by-digest\n$/);
    expect(readdirSync(parent)).toEqual([]);
    const byDigest = await run("extract", `${dir}:v1`, ...TYPE, "--output", join(parent, "out"), "--by-digest");
    expect([byDigest.code, readdirSync(join(parent, "out")).every((name) => /^[0-9a-f]{64}$/.test(name))]).toEqual([0, true]);
  });

  const changed: [title: string, name: string | RegExp][] = [
    ["./a", "a"],
    ["a//b", "a/b"],
    ["a/", "a"],
    ["a\\b", "a_b"],
    ["..\\x", ".._x"],
    ["C:\\x", "C__x"],
    ["sbom:v1.json", "sbom_v1.json"],
    ["a\0b", "a_b"],
    ["a\nb", "a_b"],
    ["a\u001bb", "a_b"],
    ["a\u202eb", "a_b"],
    ["a\u200bb", "a_b"],
    ["CON", "_CON"],
    ["nul.txt", "_nul.txt"],
    ["dir/COM1", "dir/_COM1"],
    ["x.", "x_"],
    ["x ", "x_"],
    ["a|b", "a_b"],
    [".ocilot-tmp", "_.ocilot-tmp"],
    ["d/.OCILOT-x", "d/_.OCILOT-x"],
    ["n".repeat(256), /^[0-9a-f]{64}$/],
    ["é".repeat(128), /^[0-9a-f]{64}$/],
    ["d/".repeat(600) + "x", /^[0-9a-f]{64}$/],
    ["./", /^[0-9a-f]{64}$/],
  ];
  test.each(changed.map(([title, name]) => [JSON.stringify(title).slice(0, 40), title, name] as const))(
    "makes the name %s safe, and says so",
    async (_shown, title, name) => {
      const { dir } = layoutWithFiles(title);
      const out = tempDir();
      const { code, stdout, stderr } = await run("extract", `${dir}:v1`, ...TYPE, "--output", out);
      expect(code, stderr).toBe(0);
      const written = stdout.trimEnd().slice(out.length + 1);
      if (typeof name === "string") expect(written).toBe(name);
      else expect(written).toMatch(name);
      expect(readFileSync(join(out, written), "utf8")).toBe("content 0");
      expect(stderr).toContain("is not safe as a name");
      // oxlint-disable-next-line no-control-regex
      expect(stderr).not.toMatch(/[\u0000-\u0009\u001b\u202e\u200b]/);
    },
  );

  test.each([
    ["a", "a"],
    ["a.txt", "A.TXT"],
    ["straße", "STRASSE"],
    ["é", "e\u0301"],
    ["a", "a/b"],
    ["A/b", "a"],
    ["a", "a\\b"],
  ])("keeps %s beside %s apart, which some file systems take for one", async (one, two) => {
    const { dir } = layoutWithFiles(one, two);
    const out = join(tempDir(), "out");
    const { code, stdout } = await run("extract", `${dir}:v1`, ...TYPE, "--output", out);
    expect(code).toBe(0);
    const files = stdout.trimEnd().split("\n");
    expect(files.map((path) => readFileSync(path, "utf8"))).toEqual(["content 0", "content 1"]);
    expect(new Set(files.map((path) => path.toLowerCase())).size).toBe(2);
  });

  test("what attach writes comes back", async () => {
    const { dir } = layoutWithFiles("x");
    const from = tempDir();
    const names = ["plain.txt", "with space.txt", "colon:name.json", "back\\slash", "trailing.", "CON"];
    for (const name of names) writeFileSync(join(from, name), name);
    const { stdout } = await run("attach", `${dir}:v1`, ...names.map((name) => join(from, name)), "--artifact-type", "test/many");
    for (const more of [[], ["--by-digest"]]) {
      const extracted = await run("extract", `${dir}@${stdout.trim()}`, "--output", tempDir(), "--json", ...more);
      const { files } = JSON.parse(extracted.stdout) as { files: { path: string; title: string }[] };
      expect(files.map((f) => [f.title, readFileSync(f.path, "utf8")])).toEqual(names.map((name) => [name, name]));
    }
  });

  test("a file that is there is refused before anything is written, and replaced with --force", async () => {
    const { dir } = layoutWithFiles("new.txt", "old.txt");
    const out = tempDir();
    writeFileSync(join(out, "old.txt"), "mine");
    const refused = await run("extract", `${dir}:v1`, ...TYPE, "--output", out);
    expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining("old.txt is there already") as string });
    expect(readdirSync(out)).toEqual(["old.txt"]);
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", out, "--force")).code).toBe(0);
    expect(readFileSync(join(out, "old.txt"), "utf8")).toBe("content 1");
    expect(readdirSync(out)).toEqual(["new.txt", "old.txt"]);
  });

  test("links in the directory are never followed, --force or not", async () => {
    const { dir } = layoutWithFiles("sub/a.txt", "b.txt");
    const outside = tempDir();
    const out = tempDir();
    symlinkSync(outside, join(out, "sub"));
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", out, "--force")).code).toBe(6);
    rmSync(join(out, "sub"));
    writeFileSync(join(outside, "target"), "untouched");
    symlinkSync(join(outside, "target"), join(out, "b.txt"));
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", out)).code).toBe(6);
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", out, "--force")).code).toBe(0);
    expect(readFileSync(join(outside, "target"), "utf8")).toBe("untouched");
    expect(readdirSync(outside)).toEqual(["target"]);
  });

  test("damaged or missing content leaves nothing behind", async () => {
    const { dir } = layoutWithFiles("a/one.txt", "two.txt");
    const blob = join(dir, blobPath(digestOf(Buffer.from("content 1"))));
    const parent = tempDir();
    writeFileSync(blob, "CONTENT 1");
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", join(parent, "x/y"))).code).toBe(4);
    rmSync(blob);
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", join(parent, "x/y"))).code).toBe(3);
    expect(readdirSync(parent)).toEqual([]);
  });

  test("a layer without a title is named by its digest, with a note", async () => {
    const { dir } = layoutWithFiles(undefined, undefined, "named");
    const out = tempDir();
    const { code, stderr } = await run("extract", `${dir}:v1`, ...TYPE, "--output", out);
    expect(code).toBe(0);
    expect(readdirSync(out).toSorted()).toEqual(
      [digestOf(Buffer.from("content 0")).slice(7), digestOf(Buffer.from("content 1")).slice(7), "named"].toSorted(),
    );
    expect(stderr.match(/has no title and is named by its digest/g)).toHaveLength(2);
  });

  test("several that match are an error that lists them; --all takes each in a directory of its own", async () => {
    const builder = new LayoutBuilder();
    const image = builder.manifest({}, builder.tagged("v1"));
    const a = builder.artifact(image, "test/files", ["same.txt"]);
    const b = builder.artifact(image, "test/files", ["same.txt", "more.txt"]);
    const dir = builder.write();
    const out = join(tempDir(), "out");
    const refused = await run("extract", `${dir}:v1`, ...TYPE, "--output", out);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(a.digest);
    expect(refused.stderr).toContain(b.digest);
    expect(existsSync(out)).toBe(false);
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--all", "--output", out)).code).toBe(0);
    expect(readdirSync(out).toSorted()).toEqual([a, b].map((d) => d.digest.replace(":", "-")).toSorted());
    expect(readdirSync(join(out, b.digest.replace(":", "-")))).toEqual(["more.txt", "same.txt"]);
  });

  test("an image, an index and a plain blob are no referrers", async () => {
    const builder = new LayoutBuilder();
    const config = builder.blob("{}", "application/vnd.oci.image.config.v1+json");
    builder.manifest({ config }, builder.tagged("image"));
    builder.index([], builder.tagged("index"));
    const dir = builder.write();
    const out = join(tempDir(), "out");
    for (const ref of [`${dir}:image`, `${dir}:index`, `${dir}@${config.digest}`]) {
      const { code, stderr } = await run("extract", ref, "--output", out);
      expect(code).toBe(2);
      expect(stderr).toContain("hint: ");
    }
    const none = await run("extract", `${dir}:image`, ...TYPE, "--output", out);
    expect(none).toMatchObject({ code: 3, stderr: expect.stringContaining("no referrer of type test/files") as string });
    expect(existsSync(out)).toBe(false);
  });

  test("--output that is a file is refused", async () => {
    const { dir } = layoutWithFiles("a");
    const out = tempDir();
    writeFileSync(join(out, "file"), "");
    mkdirSync(join(out, "a"));
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", join(out, "file"))).code).toBe(6);
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", join(out, "file/x"))).code).toBe(6);
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", out, "--force")).code).toBe(6);
  });
});
