import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Layout, openLayout, parseReference } from "../src/index.js";
import { descriptorOf, layoutWith, tempDir, text } from "./helpers.js";

const D = `sha256:${"0".repeat(64)}`;

describe("parseReference", () => {
  test.each([
    ["no/such", "no/such", ""],
    ["no/such:v1", "no/such", ":v1"],
    ["oci:no/such:v1", "no/such", ":v1"],
    ["ocidir://no/such:v1", "no/such", ":v1"],
    [`no/such@${D}`, "no/such", `@${D}`],
    [`no/such:v1@${D}`, "no/such", `:v1@${D}`],
    ["C:\\images\\such", "C:\\images\\such", ""],
    ["C:\\images\\such:v1", "C:\\images\\such", ":v1"],
    ["c:/images/such:v1", "c:/images/such", ":v1"],
    [`C:\\images\\such@${D}`, "C:\\images\\such", `@${D}`],
  ])("%s without anything on the disk", (reference, path, rest) => {
    expect(parseReference(reference)).toMatchObject({ text: reference, path, rest });
  });

  test("the longest prefix that is a layout is the path", () => {
    const dir = tempDir();
    for (const name of ["a", "a:b", "a:b@c"]) cpSync(layoutWith(), join(dir, name), { recursive: true });
    mkdirSync(join(dir, "a:b@c:d"));
    const split = (end: string): string[] => {
      const { path, rest } = parseReference(join(dir, end));
      return [path.slice(dir.length + 1), rest];
    };
    expect(split("a:v1")).toEqual(["a", ":v1"]);
    expect(split("a:b")).toEqual(["a:b", ""]);
    expect(split("a:b:v1")).toEqual(["a:b", ":v1"]);
    expect(split("a:b@c:d")).toEqual(["a:b@c", ":d"]);
    expect(split(`a:x@${D}`)).toEqual(["a", `:x@${D}`]);
    expect(split("a:docker.io/library/hello:v1")).toEqual(["a", ":docker.io/library/hello:v1"]);
  });

  test.each([
    ["no/such", ""],
    ["no/such:v1", "v1"],
    [`no/such@${D}`, `@${D}`],
    [`no/such:v1@${D}`, `@${D}`],
    ["docker://localhost:5000/a/b", ""],
    ["docker://localhost:5000/a/b:v1", "v1"],
    [`docker://localhost:5000/a/b:v1@${D}`, `@${D}`],
  ])("%s: what resolve takes is %j", (reference, ref) => {
    expect(parseReference(reference).ref).toBe(ref);
  });

  test("what it gives opens the layout and finds the image, by tag, by digest, by a part of one, and the only one", async () => {
    const config = text("{}");
    const manifest = text(JSON.stringify({ schemaVersion: 2, config: descriptorOf(config, { mediaType: "x/y" }), layers: [] }));
    const dir = layoutWith(undefined, [config, manifest]);
    await (await Layout.open(dir)).tag(descriptorOf(manifest), "v1");
    const { digest } = descriptorOf(manifest);
    for (const rest of [":v1", `@${digest}`, `:v1@${digest}`, `@${digest.slice(7, 17)}`, ""]) {
      const { path, ref } = parseReference(dir + rest);
      const layout = await openLayout(path);
      expect((await layout.resolve(ref)).digest, rest).toBe(digest);
    }
  });
});
