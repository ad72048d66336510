import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "@ocilot/layout";
import { FIXTURES, LayoutBuilder, tempDir } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { run } from "./helpers.js";

describe("what copy says of signatures, completeness and platforms is what it did", () => {
  const INDEX = "The index is unchanged and keeps its digest.";
  /** Two platforms; signed if asked for. */
  async function made(isSigned: boolean): Promise<{ dir: string; index: string }> {
    const builder = new LayoutBuilder();
    const platforms = ["amd64", "arm64"].map((architecture) => ({ ...builder.image(), platform: { os: "linux", architecture } }));
    const index = builder.imageIndex(platforms);
    builder.entry(index, { tag: "v1" });
    if (isSigned) builder.listed(builder.referrer(index, { artifactType: "application/vnd.example.signature" }));
    const dir = join(tempDir(), "layout");
    await builder.directory(dir);
    return { dir, index: index.digest };
  }

  it.each([true, false])("one platform of an image (signed: %s): no word about signatures unless the index changed", async (isSigned) => {
    const { dir, index } = await made(isSigned);
    const out = (name: string): string => join(tempDir(), name);
    const whole = await run("copy", `${dir}:v1`, out("a"));
    expect(whole.stdout).not.toMatch(/signature|digest|Platforms/);
    const kept = await run("copy", `${dir}:v1`, out("b"), "--platform", "linux/amd64");
    expect(kept.stdout).toContain(`Platforms copied: linux/amd64.\nLeft out for their platform: 1 manifest.\n${INDEX}`);
    expect(kept.stdout).not.toContain("signature");
    const rewritten = await run("copy", `${dir}:v1`, out("c"), "--platform", "linux/amd64", "--rewrite-index");
    expect(rewritten.stdout).not.toContain(INDEX);
    expect(rewritten.stdout).toContain(`signatures of ${index} do not cover it`);
    expect(rewritten.code).toBe(isSigned ? 8 : 0);
    expect(rewritten.stdout.includes("Left behind")).toBe(isSigned);
  });

  it("everything is everything only where nothing stays behind", async () => {
    const { dir } = await made(false);
    const first = await run("copy", "--all", dir, join(tempDir(), "a"));
    expect(first.stdout).toContain("Copied everything to");
    writeFileSync(join(dir, "blobs", "sha256", digestOf(Buffer.from("garbage")).slice(7)), "garbage");
    const second = await run("copy", "--all", dir, join(tempDir(), "b"));
    expect(second.stdout).not.toContain("Copied everything to");
    expect(second.stdout).toContain("Not referenced in the source, not copied: 1 blob (7 B).");
    expect(second.code).toBe(0);
    writeFileSync(join(dir, "manifest.json"), '[{"Config":"abc.json","RepoTags":null,"Layers":[]}]');
    const third = await run("copy", "--all", dir, join(tempDir(), "c"));
    expect(third.stdout).toContain("Copied what can be copied to");
    expect(third.stdout).toContain("Not copied: abc.json");
    expect(third.code).toBe(8);
  });

  it("a sparse source: the platforms that it has, exit 0; --require-complete asks for all", async () => {
    const dir = join(FIXTURES, "cases/docker-save-one-platform");
    const { code, stdout } = await run("copy", `${dir}:latest`, join(tempDir(), "a"));
    expect([code, stdout.includes("Platforms copied: linux/amd64.")]).toEqual([0, true]);
    const all = await run("copy", "--all", dir, join(tempDir(), "all"));
    expect(all.stdout).toContain("Platforms copied: linux/amd64.");
    expect(all.stdout).not.toContain("Copied everything to");
    expect((await run("copy", `${dir}:latest`, join(tempDir(), "b"), "--require-complete")).code).toBe(3);
    expect((await run("verify", dir)).code).toBe(0);
    expect((await run("verify", dir, "--require-complete")).code).toBe(4);
  });
});
