import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES, LayoutBuilder, run } from "./helpers.js";

const D = `sha256:${"0".repeat(64)}`;
const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";
const AMD64 = "sha256:cc14ed4494dc5b54f4422bb110157a230722aa62928e49cc05816049dc9e3b5d";

describe("references", () => {
  const oras = join(FIXTURES, "layouts/oras");

  test.each([
    [":v1", 0],
    [":docker.io/library/hello:v1", 0],
    [":hello:v1", 0],
    [":library/hello:v1", 0],
    [":ello:v1", 3],
    [`@${IMAGE.slice(0, 14)}`, 0],
    [`@${IMAGE.slice(7, 14)}`, 0],
    ["@sha256:00", 2],
    ["@sha256:0000000", 3],
    ["", 0],
    [`@${AMD64}`, 0],
    [`:v1@${IMAGE}`, 0],
    [`:v1@${AMD64}`, 3],
    [":v2", 3],
    [`@${D}`, 3],
    [":", 2],
    ["@", 2],
    ["@sha256:../../../etc/passwd", 2],
    ["@sha256:ABC", 2],
  ])("oras%s exits %d", async (rest, code) => {
    const { code: found, stderr } = await run("cat", oras + rest);
    expect(found, stderr).toBe(code);
    expect(stderr.split("\n").filter((l) => l.startsWith("ocilot: "))).toHaveLength(found === 0 ? 0 : 1);
  });

  test("an ambiguous reference exits 2 and lists the candidates", async () => {
    const builder = new LayoutBuilder();
    const a = builder.manifest({ artifactType: "a/a" }, builder.tagged("one/img:v1"));
    const b = builder.manifest({ artifactType: "b/b" }, builder.tagged("two/img:v1"));
    const dir = builder.write();
    const { code, stderr } = await run("cat", `${dir}:v1`);
    expect(code).toBe(2);
    expect(stderr).toContain(`one/img:v1@${a.digest}`);
    expect(stderr).toContain(`two/img:v1@${b.digest}`);
    expect((await run("cat", `${dir}:one/img:v1`)).code).toBe(0);
    expect((await run("cat", dir)).code).toBe(2);
  });

  test("a tag that holds an at sign is found as it is", async () => {
    const builder = new LayoutBuilder();
    builder.manifest({}, builder.tagged(`img:v1@${D}`));
    expect((await run("cat", `${builder.write()}:img:v1@${D}`)).code).toBe(0);
  });
});
