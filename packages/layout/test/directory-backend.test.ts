import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Digest, Layout } from "../src/index.js";
import { MARKER, descriptorOf, digestNo, dirWith, errorOf, layoutWith, namesIn, tempDir, text, treeOf } from "./helpers.js";

test("opening and reading write nothing at all", async () => {
  const blob = text("{}");
  const dir = layoutWith(JSON.stringify({ manifests: [descriptorOf(blob)] }), [blob]);
  mkdirSync(join(dir, "ingest"));
  writeFileSync(join(dir, `.ocilot-tmp-00000000-1-000000000000`), "left by a crash");
  const before = treeOf(dir);
  const layout = await Layout.open(dir);
  await layout.index.read();
  await layout.resolve("");
  await layout.blobs.bytes(descriptorOf(blob));
  for await (const { digest } of layout.blobs.list()) await layout.blobs.has(digest);
  expect(treeOf(dir)).toEqual(before);
});

describe("what is no layout", () => {
  test("a path that does not exist, or lies below a file", async () => {
    const dir = dirWith({ file: "x" });
    for (const path of [join(dir, "missing"), join(dir, "file", "below")]) {
      expect(await errorOf(Layout.open(path))).toMatchObject({ code: "PATH_NOT_FOUND", details: { path } });
    }
  });

  test("a file", async () => {
    const error = await errorOf(Layout.open(join(dirWith({ file: "x" }), "file")));
    expect(error.code).toBe("NOT_A_LAYOUT");
    expect(error.hint).toContain("oci-layout");
  });

  test("a directory without oci-layout; a docker archive is named as what it is", async () => {
    const bare = await errorOf(Layout.open(dirWith({ "index.json": "{}" })));
    expect(bare.code).toBe("NOT_A_LAYOUT");
    expect(bare.hint).not.toContain("docker");
    const docker = await errorOf(Layout.open(dirWith({ "index.json": "{}", "manifest.json": "[]" })));
    expect(docker.code).toBe("NOT_A_LAYOUT");
    expect(docker.hint).toContain("docker archive");
  });

  test("a directory without index.json", async () => {
    const layout = await Layout.open(dirWith({ "oci-layout": MARKER }));
    expect(await errorOf(layout.index.read())).toMatchObject({ code: "NOT_A_LAYOUT" });
  });
});

describe("oci-layout", () => {
  test.each(["\ufeff" + MARKER, "", "{", "[]", "{}", '{"imageLayoutVersion":1}', "null"])("%j is LAYOUT_INVALID", async (marker) => {
    const error = await errorOf(Layout.open(dirWith({ "oci-layout": marker, "index.json": "{}" })));
    expect(error).toMatchObject({ code: "LAYOUT_INVALID", details: { file: "oci-layout" } });
    expect(error.hint).toContain("imageLayoutVersion");
  });

  test("a huge one is refused unread", async () => {
    const dir = dirWith({ "oci-layout": MARKER + " ".repeat(100_000), "index.json": "{}" });
    expect((await errorOf(Layout.open(dir))).code).toBe("LIMIT_EXCEEDED");
  });

  test("one that leads out of the layout is refused", async () => {
    const dir = dirWith({ "index.json": "{}" });
    symlinkSync(join(dirWith({ marker: MARKER }), "marker"), join(dir, "oci-layout"));
    expect((await errorOf(Layout.open(dir))).code).toBe("LINK_OUTSIDE");
  });

  test.each([MARKER, '{"imageLayoutVersion": "1.0.0"}', '{"x": 1,\n  "imageLayoutVersion":"1.0.0" }\n'])(
    "%j opens without a warning and keeps its bytes over an update",
    async (marker) => {
      const dir = dirWith({ "oci-layout": marker, "index.json": "{}" });
      const layout = await Layout.open(dir);
      expect(layout).toMatchObject({ version: "1.0.0", warnings: [] });
      await layout.index.update(() => [{ op: "annotate-index", set: { a: "b" } }]);
      expect(readFileSync(join(dir, "oci-layout"), "utf8")).toBe(marker);
    },
  );

  test("version 1.1.0 is read with a warning, and every write is refused", async () => {
    const blob = text("x");
    const dir = dirWith({ "oci-layout": '{"imageLayoutVersion":"1.1.0"}', "index.json": "{}" });
    const layout = await Layout.open(dir);
    expect(layout.version).toBe("1.1.0");
    expect(layout.warnings.map((w) => w.message).join()).toContain("1.1.0");
    expect((await layout.index.read()).entries).toEqual([]);
    const before = treeOf(dir);
    for (const write of [
      layout.index.update(() => [{ op: "annotate-index", set: { a: "b" } }]),
      layout.blobs.put(blob),
      layout.blobs.delete(digestNo(1)),
    ]) {
      expect(await errorOf(write)).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "layout-version", file: "oci-layout" } });
    }
    expect(treeOf(dir)).toEqual(before);
  });
});

describe("Layout.create", () => {
  test("makes a layout that opens, in a directory that is new or empty", async () => {
    for (const dir of [join(tempDir(), "a", "b"), tempDir()]) {
      const layout = await Layout.create(dir);
      expect(layout.warnings).toEqual([]);
      expect((await layout.index.read()).entries).toEqual([]);
      expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
      expect(readFileSync(join(dir, "oci-layout"), "utf8")).toBe(MARKER);
      const d = await layout.blobs.put(text("x"));
      expect(await layout.blobs.has(d.digest)).toBe(true);
    }
  });

  test("refuses a directory that holds anything, and a file, and leaves both alone", async () => {
    const dir = dirWith({ "sub/.hidden": "x", file: "y" });
    const before = treeOf(dir);
    for (const path of [join(dir, "sub"), join(dir, "file"), join(dir, "file", "below")]) {
      const error = await errorOf(Layout.create(path));
      expect(error, path).toMatchObject({ code: "OUTPUT_EXISTS", details: { path } });
      expect(error.hint).toContain("empty");
    }
    expect(treeOf(dir)).toEqual(before);
  });

  test("many at once: one makes it, the others are told so, and what was written to it meanwhile stays", async () => {
    for (let round = 0; round < 5; round++) {
      const dir = join(tempDir(), "new", "layout");
      const written: Digest[] = [];
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, async (_, i) => {
          const layout = await Layout.create(dir, { sync: i % 2 === 0 });
          const descriptor = await layout.blobs.put(text(`by ${i}`));
          await layout.index.update(() => [{ op: "insert", before: 0, descriptor }]);
          written.push(descriptor.digest);
        }),
      );
      const failed = results.filter((r) => r.status === "rejected");
      expect(failed.map((r) => r.reason.code)).toEqual(Array.from({ length: 7 }, () => "OUTPUT_EXISTS"));
      const opened = await Layout.open(dir);
      expect((await opened.index.read()).entries.map((e) => e.descriptor.digest)).toEqual(written);
      expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
    }
  });
});
