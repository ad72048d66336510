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

  const unsafe = [
    "/etc/passwd",
    "../x",
    "a/../../x",
    "a//b",
    "./a",
    "a/",
    "..",
    "a\\b",
    "..\\x",
    "C:\\x",
    "c:x",
    "a\0b",
    "a\nb",
    "a\u001bb",
    "a\u202eb",
    "CON",
    "nul.txt",
    "dir/COM1",
    "x.",
    "x ",
    "a|b",
    ".ocilot-tmp",
    "d/.OCILOT-x",
    "n".repeat(256),
    "é".repeat(128),
    "d/".repeat(600) + "x",
  ];
  test.each(unsafe.map((title) => [JSON.stringify(title).slice(0, 40), title]))("refuses the name %s", async (_shown, title) => {
    const { dir } = layoutWithFiles("fine.txt", title);
    const parent = tempDir();
    const { code, stderr } = await run("extract", `${dir}:v1`, ...TYPE, "--output", join(parent, "out"));
    expect(code).toBe(6);
    expect(stderr).toMatch(/^ocilot: the title .+; nothing was written\n {2}hint: .+\n$/);
    expect(stderr).not.toContain("\u001b");
    expect(readdirSync(parent)).toEqual([]);
  });

  test.each([
    ["a", "a"],
    ["a.txt", "A.TXT"],
    ["straße", "STRASSE"],
    ["é", "e\u0301"],
    ["a", "a/b"],
    ["A/b", "a"],
  ])("refuses %s beside %s, which some file systems take for one", async (one, two) => {
    const { dir } = layoutWithFiles(one, two);
    const out = join(tempDir(), "out");
    expect((await run("extract", `${dir}:v1`, ...TYPE, "--output", out)).code).toBe(6);
    expect(existsSync(out)).toBe(false);
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
