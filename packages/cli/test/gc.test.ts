import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blobPath } from "@ocilot/layout";
import { describe, expect, test } from "vitest";
import { LayoutBuilder, copyOf, run, runWith, treeOf } from "./helpers.js";

function withGarbage(): { dir: string; garbage: string; young: string } {
  const builder = new LayoutBuilder();
  const image = builder.manifest({ artifactType: "test/app" }, builder.tagged("v1"));
  const [garbage, young] = [builder.blob("garbage"), builder.blob("young")];
  builder.manifest({ artifactType: "a/b", subject: image });
  builder.entries.pop();
  const dir = builder.write();
  utimesSync(join(dir, blobPath(garbage.digest)), 1000, 1000);
  return { dir, garbage: garbage.digest, young: young.digest };
}

/** All but the directory itself, in which the lock came and went. */
function contentOf(dir: string): Record<string, string> {
  const { "": _, ...tree } = treeOf(dir);
  return tree;
}

describe("gc", () => {
  test("says what would go and why the rest stays, then does just that", async () => {
    const { dir, garbage, young } = withGarbage();
    const before = treeOf(dir);
    const dry = await run("gc", dir, "--dry-run");
    expect(dry.code).toBe(0);
    expect(treeOf(dir)).toEqual(before);
    expect(dry.stdout).toContain(`would remove  ${garbage}`);
    expect(dry.stdout).toMatch(new RegExp(`kept +${young} .*stored within the grace period`));
    expect(dry.stdout).toContain("not listed, but it refers to a kept manifest");
    expect(dry.stdout).toContain("Would remove 1 blob, 7 B;");
    const real = await run("gc", dir, "--json");
    expect(JSON.parse(real.stdout)).toMatchObject({
      dryRun: false,
      removed: [{ digest: garbage, size: 7 }],
      steps: { sweep: { count: 1, bytes: 7 } },
    });
    const last = await run("gc", dir, "--grace", "0s");
    expect(last.stdout).toContain(young);
    expect((await run("gc", dir, "--grace", "0s")).stdout).toContain("Removed 0 blobs");
  });

  test("takes referrers of what is gone only when asked", async () => {
    const builder = new LayoutBuilder();
    builder.manifest({}, builder.tagged("v1"));
    const gone = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${"1".repeat(64)}`, size: 5 };
    const loose = builder.manifest({ artifactType: "a/b", subject: gone }, { artifactType: "a/b" });
    const dir = builder.write();
    expect((await run("gc", dir, "--grace", "0s")).stdout).toContain("Removed 0 blobs");
    const { stdout } = await run("gc", dir, "--grace", "0s", "--prune-dangling");
    expect(stdout).toMatch(new RegExp(`pruned +${loose.digest} .*is not in the layout`));
    expect(stdout).toContain("Removed 1 blob,");
  });

  test.each([
    [["--grace", "1"], 2],
    [["--grace", "-1h"], 2],
    [["--wait", "x"], 2],
    [["more"], 2],
    [["--dryrun"], 2],
  ])("%j exits %i and changes nothing", async (more, code) => {
    const { dir } = withGarbage();
    const before = treeOf(dir);
    expect((await run("gc", dir, ...more)).code).toBe(code);
    expect(treeOf(dir)).toEqual(before);
  });

  test("exit 2, 3, 4 and 130 change nothing", async () => {
    const dir = copyOf("layouts/oras");
    const before = contentOf(dir);
    expect((await run("gc", `${dir}:v1`)).code).toBe(2);
    expect((await run("gc", `${dir}-absent`)).code).toBe(3);
    expect((await runWith(AbortSignal.abort(), "gc", dir, "--grace", "0s")).code).toBe(130);
    expect(contentOf(dir)).toEqual(before);
    const { dir: damaged } = withGarbage();
    const digest = /sha256:[0-9a-f]{64}/.exec((await run("ls", damaged, "--json")).stdout)![0];
    writeFileSync(join(damaged, "blobs", ...digest.split(":")), "{");
    const spoiled = contentOf(damaged);
    const { code, stderr } = await run("gc", damaged, "--grace", "0s");
    expect([code, stderr]).toEqual([4, expect.stringContaining("nothing is collected")]);
    expect(contentOf(damaged)).toEqual(spoiled);
  });
});
