import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { copyOf, run, treeOf as wholeTree } from "./helpers.js";

/** All but the directory itself, in which the lock came and went. */
function treeOf(dir: string): Record<string, string> {
  const { "": _, ...tree } = wholeTree(dir);
  return tree;
}

const TYPE = ["--artifact-type", "a/b"];

async function attached(ref: string): Promise<string> {
  return (await run("attach", ref, ...TYPE, "--annotation", `in=${ref.length}`)).stdout.trim();
}

describe("detach", () => {
  test.each(["oras", "olareg", "regclient", "regclient-then-oras"])("%s: takes back what attach did, to the byte", async (name) => {
    const dir = copyOf(`layouts/${name}`);
    const before = readFileSync(join(dir, "index.json"), "utf8");
    const digest = await attached(`${dir}:v1`);
    await run("detach", `${dir}@${digest}`);
    const after = readFileSync(join(dir, "index.json"), "utf8");
    const found = JSON.parse((await run("referrers", `${dir}:v1`, "--scan", "--json")).stdout) as { manifests: { digest: string }[] };
    expect(found.manifests.map((m) => m.digest)).not.toContain(digest);
    const again = await attached(`${dir}:v1`);
    expect(again).toBe(digest);
    await run("detach", `${dir}@${digest}`);
    expect(readFileSync(join(dir, "index.json"), "utf8")).toBe(after);
    if (name === "oras") expect(after).toBe(before);
  });

  test("refuses what has referrers, unless --recursive takes them too", async () => {
    const dir = copyOf("layouts/oras");
    const first = await attached(`${dir}:v1`);
    const second = await attached(`${dir}@${first}`);
    const before = treeOf(dir);
    const refused = await run("detach", `${dir}@${first}`);
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain(second);
    expect(treeOf(dir)).toEqual(before);
    const { code, stdout } = await run("detach", `${dir}@${first}`, "--recursive", "--json");
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as { removed: { referrer: string }[] }).removed.map((r) => r.referrer)).toEqual([first, second]);
  });

  test("refuses what bears a tag or is inside an image index", async () => {
    const dir = copyOf("layouts/oras");
    const digest = await attached(`${dir}:v1`);
    await run("tag", `${dir}@${digest}`, "sbom");
    const before = treeOf(dir);
    expect(await run("detach", `${dir}:sbom`)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining("ocilot untag LAYOUT:sbom") as string,
    });
    expect(treeOf(dir)).toEqual(before);
    const built = copyOf("layouts/buildkit-oci-artifact");
    const codes = new Set<number>();
    for (const hex of readdirSync(join(built, "blobs/sha256"))) codes.add((await run("detach", `${built}@sha256:${hex}`)).code);
    expect([...codes].toSorted()).toEqual([3, 6]);
  });

  test.each([
    [":v1", 3],
    [`@sha256:${"1".repeat(64)}`, 3],
    ["@sha256:1", 2],
  ])("%s exits %i and changes nothing", async (rest, code) => {
    const dir = copyOf("layouts/skopeo");
    const before = treeOf(dir);
    expect((await run("detach", `${dir}${rest}`)).code).toBe(code);
    expect(treeOf(dir)).toEqual(before);
  });
});
