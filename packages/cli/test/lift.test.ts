import { rmSync } from "node:fs";
import { expect, test } from "vitest";
import { copyOf, run, treeOf } from "./helpers.js";

const LINE = /^sha256:[0-9a-f]{64} of sha256:[0-9a-f]{64}\n {2}→ sha256:[0-9a-f]{64} {2}application\/\S+$/gm;

test("lifts, says what and where, and then has nothing more to do", async () => {
  const dir = copyOf("layouts/cosign-tags");
  const { code, stdout } = await run("lift", dir);
  expect(code).toBe(0);
  expect(stdout.match(LINE)).toHaveLength(2);
  expect(stdout).toMatch(/2 referrers lifted \(universal\), 0 already done, 0 skipped\n$/);
  const before = treeOf(dir);
  expect(await run("lift", dir)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\n {2}= sha256.*0 referrers lifted, 2 already done/s) as string,
  });
  expect(treeOf(dir)).toEqual(before);
});

test("makes convert exit 0 where it exited 8", async () => {
  const dir = copyOf("layouts/buildkit-attestation");
  expect((await run("convert", dir, "--to", "oras")).code).toBe(8);
  expect((await run("lift", dir)).code).toBe(0);
  expect(await run("convert", dir, "--to", "oras")).toMatchObject({
    code: 0,
    stdout: expect.not.stringContaining("cannot represent") as string,
  });
});

test("--dry-run and --json tell the same and write nothing", async () => {
  const dir = copyOf("layouts/cosign-save");
  const before = treeOf(dir);
  expect((await run("lift", dir, "--dry-run")).stdout).toContain("2 referrers to lift");
  const { stdout } = await run("lift", dir, "--dry-run", "--json");
  expect(treeOf(dir)).toEqual(before);
  const planned = JSON.parse(stdout) as { dryRun: boolean; lifted: object[] };
  expect(planned.dryRun).toBe(true);
  expect((JSON.parse((await run("lift", dir, "--json")).stdout) as typeof planned).lifted).toEqual(planned.lifted);
});

test("--from chooses, and withdrawn types have to be asked for", async () => {
  const dir = copyOf("edge/legacy-artifact-manifests");
  expect((await run("lift", dir)).stdout).toContain("0 referrers lifted");
  expect((await run("lift", dir, "--from", "buildkit", "--from", "legacy")).stdout).toContain("2 referrers lifted");
});

test("what cannot be lifted stays, and exits 8", async () => {
  const dir = copyOf("layouts/cosign-tags");
  rmSync(`${dir}/blobs/sha256/8cec109fa8a75c8e3a30b3f29221184241d5c8958fd096949f6cc419d90a5ff6`);
  const { code, stdout } = await run("lift", dir);
  expect(code).toBe(8);
  expect(stdout).toContain("not lifted: sha256:8cec109f");
  expect(stdout).toContain("it is missing from the layout");
});

test.each([
  [["--from", "cosign"], "Did you mean cosign-tags?"],
  [["--from", "universal"], "It is one of: buildkit,"],
  [["--form", "hauler"], "Did you mean --from?"],
])("%j exits 2", async (more, hint) => {
  expect(await run("lift", copyOf("layouts/oras"), ...more)).toMatchObject({ code: 2, stderr: expect.stringContaining(hint) as string });
});

test("convert --to buildkit asks for the flag, then says which tags moved and what does not cover them", async () => {
  const dir = copyOf("layouts/oras");
  const before = treeOf(dir);
  const refused = await run("convert", dir, "--to", "buildkit");
  expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining("--allow-digest-change") as string });
  const dry = await run("convert", dir, "--to", "buildkit", "--dry-run", "--json");
  expect(dry.code).toBe(6);
  expect(JSON.parse(dry.stdout)).toMatchObject({ digestChanges: [{ tags: ["v1"] }] });
  expect(treeOf(dir)).toEqual(before);
  const { code, stdout } = await run("convert", dir, "--to", "buildkit", "--allow-digest-change");
  expect(code).toBe(8);
  expect(stdout).toMatch(/ {2}v1: moved to a new image index\n {4}old {2}sha256:002f\w+ \(kept, untagged\)\n {4}new {2}sha256:/);
  expect(stdout).toMatch(/sha256:b238\w+ refers to the old index and does not cover the new one/);
  expect((await run("convert", dir, "--to", "buildkit", "--allow-inexpressible")).code).toBe(0);
});
