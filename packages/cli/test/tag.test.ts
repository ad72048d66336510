import { describe, expect, test } from "vitest";
import { copyOf, layoutWithFiles, run, treeOf } from "./helpers.js";

async function tagsOf(dir: string): Promise<string[]> {
  const index = JSON.parse((await import("node:fs")).readFileSync(`${dir}/index.json`, "utf8")) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  return index.manifests.map((m) => m.annotations?.["org.opencontainers.image.ref.name"] ?? "-");
}

describe("tag", () => {
  test("gives names, and again changes nothing; what bore one stays listed", async () => {
    const { dir, image, referrer } = layoutWithFiles("a.txt");
    expect((await run("tag", `${dir}:v1`, "latest", "example.com/app:v1")).code).toBe(0);
    expect((await tagsOf(dir)).toSorted()).toEqual(["-", "example.com/app:v1", "latest", "v1"]);
    const before = treeOf(dir);
    const { code, stdout } = await run("tag", `${dir}:v1`, "latest", "--json");
    expect([code, JSON.parse(stdout)]).toEqual([0, { digest: image.digest, tags: ["latest"] }]);
    expect(treeOf(dir)["index.json"]).toBe(before["index.json"]);
    await run("tag", `${dir}@${referrer.digest}`, "sbom");
    expect((await tagsOf(dir)).filter((t) => t === "-")).toHaveLength(1);
  });

  test.each([
    [["no tag"], 6],
    [[""], 2],
    [[], 2],
    [[`sha256-${"a".repeat(64)}`], 6],
    [[`sha256-${"a".repeat(64)}.sig`], 6],
    [["../x"], 6],
    [["a\nb"], 6],
    [["x".repeat(600)], 6],
  ])("%j exits %i and changes nothing", async (names, code) => {
    const dir = copyOf("layouts/oras");
    const before = treeOf(dir);
    expect((await run("tag", `${dir}:v1`, ...names)).code).toBe(code);
    expect(treeOf(dir)).toEqual(before);
  });

  test("what is no manifest, or not there, gets none", async () => {
    const { dir, image } = layoutWithFiles("a.txt");
    const before = treeOf(dir);
    for (const rest of [":v2", `@sha256:${"1".repeat(64)}`, `:v1@sha256:${"1".repeat(64)}`])
      expect((await run("tag", `${dir}${rest}`, "x")).code).toBe(3);
    const layer = /sha256:[0-9a-f]{64}(?=","size":9)/.exec((await run("cat", `${dir}@${image.digest}`)).stdout)?.[0];
    const config = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    const { code, stderr } = await run("tag", `${dir}@${layer ?? config}`, "x");
    expect(code, stderr).not.toBe(0);
    expect(stderr).toMatch(/^ocilot: /);
    expect(treeOf(dir)).toEqual(before);
  });
});
