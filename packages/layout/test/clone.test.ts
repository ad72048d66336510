import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Layout, cloneLayout } from "../src/index.js";
import { errorOf, layoutWith, namesIn, tempDir, text, treeOf } from "./helpers.js";

const BLOB = text("some blob");

function contentOf(dir: string): Record<string, string> {
  const names = (readdirSync(dir, { recursive: true }) as string[]).filter((name) => statSync(join(dir, name)).isFile());
  return Object.fromEntries(names.toSorted().map((name) => [name, readFileSync(join(dir, name), "base64")]));
}

async function refuse(): Promise<never> {
  throw new Error("refused");
}

describe("cloneLayout", () => {
  test("carries every file with its mode and only reads the source", async () => {
    const dir = layoutWith(undefined, [BLOB]);
    mkdirSync(join(dir, "ingest/empty"), { recursive: true });
    writeFileSync(join(dir, "manifest.json"), "[]");
    chmodSync(join(dir, "manifest.json"), 0o400);
    linkSync(join(dir, "manifest.json"), join(dir, "twin.json"));
    const before = treeOf(dir);
    const target = join(tempDir(), "a/b");
    expect(await cloneLayout(dir, target)).toEqual({ files: 5, result: undefined });
    expect(treeOf(dir)).toEqual(before);
    expect(contentOf(target)).toEqual(contentOf(dir));
    expect(statSync(join(target, "manifest.json")).mode & 0o777).toBe(0o400);
    expect(existsSync(join(target, "ingest/empty"))).toBe(true);
    expect(namesIn(dirname(target))).toEqual(["b"]);
  });

  test("ocilot's own temporary files stay behind, the like deeper down is foreign", async () => {
    const dir = layoutWith();
    writeFileSync(join(dir, ".ocilot-lock"), "{}");
    mkdirSync(join(dir, "x"));
    writeFileSync(join(dir, "x/.ocilot-foreign"), "");
    const target = join(tempDir(), "t");
    await cloneLayout(dir, target);
    expect(namesIn(target)).toEqual(["blobs", "index.json", "oci-layout", "x"]);
    expect(namesIn(join(target, "x"))).toEqual([".ocilot-foreign"]);
  });

  test("the target is no layout before finish is done, whether it was there or not", async () => {
    const dir = layoutWith(undefined, [BLOB]);
    for (const target of [join(tempDir(), "new"), tempDir()]) {
      const { result } = await cloneLayout(dir, target, {
        sync: false,
        finish: async (staged) => {
          expect(existsSync(join(target, "oci-layout"))).toBe(false);
          return (await Layout.open(staged)).location;
        },
      });
      expect(result).toContain(".ocilot-tmp-");
      expect(namesIn(target)).toEqual(["blobs", "index.json", "oci-layout"]);
    }
  });

  test("if finish fails, or the signal fires, nothing is left, and parents that were made go too", async () => {
    const dir = layoutWith();
    const parent = tempDir();
    const empty = tempDir();
    await expect(cloneLayout(dir, join(parent, "a/b/c"), { finish: refuse })).rejects.toThrow("refused");
    await expect(cloneLayout(dir, empty, { finish: refuse })).rejects.toThrow("refused");
    expect((await errorOf(cloneLayout(dir, join(parent, "d"), { signal: AbortSignal.abort() }))).code).toBe("ABORTED");
    expect([namesIn(parent), namesIn(empty)]).toEqual([[], []]);
  });

  test("a link inside is carried as what it leads to", async () => {
    const dir = layoutWith(undefined, [BLOB]);
    symlinkSync("index.json", join(dir, "again.json"));
    symlinkSync("blobs", join(dir, "mirror"));
    const target = join(tempDir(), "t");
    await cloneLayout(dir, target);
    expect(readFileSync(join(target, "again.json"))).toEqual(readFileSync(join(dir, "index.json")));
    expect(namesIn(join(target, "mirror/sha256"))).toEqual(namesIn(join(dir, "blobs/sha256")));
  });

  const refusals: Record<string, (dir: string) => void> = {
    "a link out of the layout": (dir) => symlinkSync("/etc/hostname", join(dir, "x")),
    "a link to nowhere": (dir) => symlinkSync("none", join(dir, "x")),
    "a link to itself": (dir) => symlinkSync("x", join(dir, "x")),
    "a circle of directories": (dir) => symlinkSync("..", join(dir, "blobs/x")),
    "two links to one directory": (dir) => {
      symlinkSync("blobs", join(dir, "x"));
      symlinkSync("blobs", join(dir, "y"));
    },
    "a pipe": (dir) => void execFileSync("mkfifo", [join(dir, "x")]),
  };
  test.skipIf(process.platform === "win32").each(Object.keys(refusals))("%s is refused before anything is written", async (name) => {
    const dir = layoutWith();
    refusals[name]!(dir);
    const parent = tempDir();
    expect((await errorOf(cloneLayout(dir, join(parent, "a/t")))).code).toBe("LINK_OUTSIDE");
    expect(namesIn(parent)).toEqual([]);
  });

  test("refuses a target that is not empty, is a file, or lies inside the source", async () => {
    const dir = layoutWith();
    const other = tempDir();
    writeFileSync(join(other, "mine"), "");
    symlinkSync("none", join(other, "dangling"));
    symlinkSync(dir, join(other, "link"));
    const codeOf = async (target: string): Promise<string> => (await errorOf(cloneLayout(dir, target))).code;
    for (const target of [other, join(other, "mine"), join(other, "mine/x"), join(other, "dangling")]) {
      expect(await codeOf(target)).toBe("OUTPUT_EXISTS");
    }
    for (const target of [dir, join(dir, "x"), join(other, "link"), join(other, "link/x/y"), join(dir, "blobs/../z")]) {
      expect(await codeOf(target)).toBe("WRITE_REFUSED");
    }
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(namesIn(other)).toEqual(["dangling", "link", "mine"]);
    expect((await errorOf(cloneLayout(join(dir, "none"), join(other, "t")))).code).toBe("PATH_NOT_FOUND");
  });

  test("a sibling whose name begins like the source's is outside it", async () => {
    const dir = layoutWith();
    onTestFinished(() => rmSync(`${dir}-copy`, { recursive: true }));
    await cloneLayout(dir, `${dir}-copy`);
    expect(contentOf(`${dir}-copy`)).toEqual(contentOf(dir));
  });
});
