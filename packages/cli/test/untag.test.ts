import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { copyOf, run, treeOf } from "./helpers.js";

describe("untag", () => {
  test("takes the name and keeps the image and its referrers", async () => {
    const dir = copyOf("layouts/oras");
    const digest = (await run("tag", `${dir}:v1`, "v1")).stdout.split(" ")[1]!;
    const list = async (): Promise<string> => (await run("referrers", `${dir}@${digest}`, "--json")).stdout;
    const before = JSON.parse(await list()) as { manifests: object[] };
    expect(await run("untag", `${dir}:v1`)).toMatchObject({ code: 0, stdout: "Removed the tag docker.io/library/hello:v1\n" });
    expect((JSON.parse(await list()) as { manifests: object[] }).manifests).toEqual(before.manifests);
    expect((await run("untag", `${dir}:v1`)).code).toBe(3);
  });

  test.each([
    ["", 2],
    [":", 2],
    [`@sha256:${"1".repeat(64)}`, 2],
    [":v2", 3],
  ])("LAYOUT%s exits %i and changes nothing", async (rest, code) => {
    const dir = copyOf("layouts/oras");
    const before = treeOf(dir);
    expect((await run("untag", `${dir}${rest}`)).code).toBe(code);
    expect(treeOf(dir)["index.json"]).toEqual(before["index.json"]);
  });

  test("a name in full is told where its end was asked for, and a second time it is not there", async () => {
    const dir = copyOf("layouts/oras");
    expect((await run("tag", `${dir}:v1`, "example.com/app:v1")).code).toBe(0);
    expect(await run("untag", `${dir}:app:v1`)).toMatchObject({ code: 0, stdout: "Removed the tag example.com/app:v1\n" });
    expect((await run("untag", `${dir}:app:v1`)).code).toBe(3);
  });

  test("a tag beside an image name that is another one is told by itself", async () => {
    const dir = copyOf("layouts/oras");
    expect((await run("untag", `${dir}:v1`)).code).toBe(0);
    const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as { manifests: Record<string, unknown>[] };
    const names = { "org.opencontainers.image.ref.name": "x", "io.containerd.image.name": "host/b:v1" };
    index.manifests[0]!["annotations"] = names;
    writeFileSync(join(dir, "index.json"), JSON.stringify(index));
    expect(await run("untag", `${dir}:x`)).toMatchObject({ code: 0, stdout: "Removed the tag x\n" });
    expect(await run("untag", `${dir}:host/b:v1`)).toMatchObject({ code: 0, stdout: "Removed the tag host/b:v1\n" });
  });

  test("refuses the tag of a list, whose referrers nothing else may record", async () => {
    const dir = copyOf("layouts/regclient");
    const before = treeOf(dir);
    const tag = "sha256-002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";
    expect(await run("untag", `${dir}:${tag}`)).toMatchObject({ code: 6, stderr: expect.stringContaining("--only") });
    expect(treeOf(dir)["index.json"]).toEqual(before["index.json"]);
    expect((await run("convert", dir, "--to", "oras", "--only")).code).toBe(0);
    expect((await run("untag", `${dir}:${tag}`)).code).toBe(3);
  });
});
