import { join } from "node:path";
import { LayoutBuilder, type RegistryQuirks, startTestRegistry } from "@ocilot/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { run, tempDir } from "./helpers.js";

/** A repository with one image and its SBOM, in a registry that turns hostile afterwards. */
async function hostile(quirks: RegistryQuirks): Promise<string> {
  const registry = await startTestRegistry();
  onTestFinished(async () => await registry.close());
  const content = new LayoutBuilder();
  const image = content.image();
  content.entry(image, { tag: "v1" }).listed(content.referrer(image, { artifactType: "application/spdx+json" }));
  const path = join(tempDir(), "layout");
  await content.directory(path);
  expect(await run("copy", `${path}:v1`, `docker://${registry.host}/a:v1`)).toMatchObject({ code: 0 });
  Object.assign(registry.quirks, quirks);
  return `docker://${registry.host}/a:v1`;
}

describe("a registry that lies: one clear error, its exit code, and nothing copied", () => {
  test.each<[string, RegistryQuirks, RegExp]>([
    ["pages that lead in a circle", { endlessLink: true, tagsPage: 1 }, /list tags .*(?:circle|loop|page|again)/],
    ["a manifest of 1 GB", { hugeManifest: 1e9 }, /larger than \d+ bytes/],
    ["a digest of other bytes", { contentDigest: "wrong" }, /sha256:/],
    ["blobs of other bytes", { lyingBlobs: true }, /sha256:/],
    ["a manifest of a type that is none", { manifestType: "text/html" }, /text\/html/],
    ["content that ends early", { missingBytes: 3 }, /sha256:|bytes/],
  ])("%s", async (_, quirks, message) => {
    const reference = await hostile(quirks);
    const out = join(tempDir(), "out");
    const outcome = await run("copy", reference, out, "--retries", "1");
    expect(outcome, outcome.stderr).toMatchObject({ code: 4, stdout: "" });
    const lines = outcome.stderr.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^ocilot: /);
    expect(lines[0]).toMatch(message);
    expect(lines.slice(1).every((line) => line.startsWith("  hint: "))).toBe(true);
    expect(outcome.stderr).not.toMatch(/internal error|    at /);
    // At most an empty layout has been made.
    const { code, stdout } = await run("ls", out);
    expect([3, 0], stdout).toContain(code);
    if (code === 0) expect(stdout).toContain("No images.");
  });
});

test.each([
  "docker://",
  "docker:///a",
  "docker://h.example/",
  "docker://h.example/UPPER",
  "docker://h.example/a//b",
  "docker://h.example/../a",
  "docker://h.example:99999/a",
  "docker://h.example/a:",
  "docker://h.example/a:.tag",
  `docker://h.example/a:${"t".repeat(129)}`,
  `docker://h.example/${"a".repeat(300)}`,
  "docker://h.example/a@sha256:beef",
  "docker://user:secret@h.example/a",
  "docker://h.example/a?x=1",
  "docker://h.example/a\n",
])("%j is wrong usage, before anything is sent", async (reference) => {
  for (const argv of [
    ["ls", reference],
    ["copy", reference, join(tempDir(), "out")],
    ["copy", join(tempDir(), "none"), reference],
  ]) {
    const outcome = await run(...argv);
    expect([2, ...(argv[2] === reference ? [3] : [])], `${argv.join(" ")}: ${outcome.stderr}`).toContain(outcome.code);
    expect(outcome.stderr.split("\n")[0]).toMatch(/^ocilot: (?!internal)/);
    expect(outcome.stderr).not.toContain("secret");
  }
});
