import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { copyFile, link, lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type BlobReader, digestOf } from "@ocilot/layout";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { PlannedFile } from "../src/extract/names.js";
import { writeFiles } from "../src/extract/write.js";
import { tempDir, treeOf } from "./helpers.js";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => {
  for (const call of [link, lstat, mkdir, copyFile]) vi.mocked(call).mockReset();
});

const NO_BLOBS = {} as BlobReader;
const SIGNAL = new AbortController().signal;
const fault = (code: string): Error => Object.assign(new Error(code), { code });

/** A file whose content comes when it is asked for; `meanwhile` runs at that moment, after all places were checked. */
function file(name: string, meanwhile: () => void = () => undefined): PlannedFile {
  const bytes = Buffer.from(`content of ${name}`);
  const open = async (): Promise<Uint8Array> => {
    meanwhile();
    return bytes;
  };
  return { name, layer: { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length }, open };
}

const write = async (files: readonly PlannedFile[], out: string, force = false): Promise<string[]> =>
  await writeFiles(NO_BLOBS, files, out, { force, signal: SIGNAL });

describe("what comes in between the check and the write", () => {
  test.each([false, true])("a link in place of a directory: nothing is written behind it (force: %s)", async (force) => {
    const [out, outside] = [tempDir(), tempDir()];
    const files = [file("sub/a", () => symlinkSync(outside, join(out, "sub")))];
    await expect(write(files, out, force)).rejects.toMatchObject({
      code: "OUTPUT_EXISTS",
      details: { path: join(realpathSync(out), "sub") },
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(out)).toEqual(["sub"]);
  });

  test("a file in place of a directory", async () => {
    const out = tempDir();
    await expect(write([file("sub/a", () => writeFileSync(join(out, "sub"), "mine"))], out)).rejects.toMatchObject({
      code: "OUTPUT_EXISTS",
    });
    expect(readFileSync(join(out, "sub"), "utf8")).toBe("mine");
  });

  test("a directory in place of a directory is used, and stays", async () => {
    const out = tempDir();
    expect(await write([file("sub/a", () => mkdirSync(join(out, "sub")))], out)).toEqual([join(out, "sub/a")]);
    expect(readFileSync(join(out, "sub/a"), "utf8")).toBe("content of sub/a");
  });

  test("a file of that name is not replaced, and what was written before it goes again", async () => {
    const out = tempDir();
    const files = [file("d/first"), file("e/second", () => (mkdirSync(join(out, "e")), writeFileSync(join(out, "e/second"), "mine")))];
    await expect(write(files, out)).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
    expect(readFileSync(join(out, "e/second"), "utf8")).toBe("mine");
    expect(readdirSync(out)).toEqual(["e"]);
  });
});

describe("what is there before", () => {
  test.each(["a", "a/b/c", "a/long/name"])("a file or a link in the way of %s is refused before any content is read", async (name) => {
    for (const make of [
      (path: string) => writeFileSync(path, "mine"),
      (path: string) => symlinkSync(tempDir(), path),
      (path: string) => mkdirSync(path),
    ]) {
      const out = tempDir();
      make(join(out, "a"));
      let isRead = false;
      const isUsable = name !== "a" && make.toString().includes("mkdir");
      const before = treeOf(out)["a"];
      const result = write([file(name, () => (isRead = true))], out);
      if (isUsable) await result;
      else await expect(result).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
      expect(isRead).toBe(isUsable);
      if (!isUsable) expect([treeOf(out)["a"], readdirSync(out)]).toEqual([before, ["a"]]);
    }
  });

  test("a link in the way is called a link, and a file a file", async () => {
    const out = tempDir();
    symlinkSync(tempDir(), join(out, "l"));
    writeFileSync(join(out, "f"), "");
    mkdirSync(join(out, "d"));
    for (const force of [false, true]) {
      await expect(write([file("l/x")], out, force)).rejects.toThrow("is a link, which is not followed");
      await expect(write([file("f/x")], out, force)).rejects.toThrow("is not a directory");
      await expect(write([file("d")], out, force)).rejects.toThrow("is a directory");
    }
    await expect(write([file("f")], out)).rejects.toThrow("is there already");
    await expect(write([file("x")], join(out, "f"))).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
    await expect(write([file("x")], join(out, "f/x"))).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
  });
});

describe("a failure half way", () => {
  const failing = file("z", () => {
    throw new Error("no content");
  });

  test("leaves no file and no directory that was made, and every one that was there", async () => {
    const parent = tempDir();
    await expect(write([file("a/b/c"), failing], join(parent, "x/y"))).rejects.toThrow("no content");
    expect(readdirSync(parent)).toEqual([]);
    mkdirSync(join(parent, "x"));
    await expect(write([file("a/b/c"), failing], join(parent, "x/y"))).rejects.toThrow("no content");
    expect(readdirSync(parent)).toEqual(["x"]);
  });

  test("among the files takes back what was placed without --force, and leaves it with --force", async () => {
    for (const force of [false, true]) {
      const out = tempDir();
      let calls = 0;
      const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
      vi.mocked(mkdir).mockImplementation((async (path: string, options: object) => {
        if (path.endsWith("second") && ++calls > 0) throw fault("EIO");
        return await real.mkdir(path, options);
      }) as typeof mkdir);
      await expect(write([file("first/a"), file("second/b")], out, force)).rejects.toMatchObject({ code: "EIO" });
      expect(calls).toBe(1);
      expect(existsSync(join(out, "first/a"))).toBe(force);
      expect(readdirSync(out)).toEqual(force ? ["first"] : []);
    }
  });

  test("of the directory itself comes out as it is", async () => {
    vi.mocked(mkdir).mockRejectedValueOnce(fault("EACCES"));
    await expect(write([file("a")], join(tempDir(), "x"))).rejects.toMatchObject({ code: "EACCES" });
  });

  test("a signal that has fired stops the writing", async () => {
    const out = tempDir();
    await expect(writeFiles(NO_BLOBS, [file("a")], out, { force: false, signal: AbortSignal.abort() })).rejects.toThrow();
    expect(readdirSync(out)).toEqual([]);
  });
});

test("without hard links a file is copied, and still replaces nothing", async () => {
  const out = tempDir();
  vi.mocked(link).mockRejectedValue(fault("EPERM"));
  await write([file("a")], out);
  expect(readFileSync(join(out, "a"), "utf8")).toBe("content of a");
  await expect(write([file("b", () => writeFileSync(join(out, "b"), "mine"))], out)).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
  expect(readFileSync(join(out, "b"), "utf8")).toBe("mine");
  vi.mocked(copyFile).mockRejectedValue(fault("ENOSPC"));
  await expect(write([file("c")], out)).rejects.toMatchObject({ code: "ENOSPC" });
});

test("until it is whole a file has no name that others look at, and no one else may read it", async () => {
  const out = tempDir();
  let seen: string[] = [];
  let mode = 0;
  const late = file("late", () => {
    seen = readdirSync(out);
    mode = statSync(join(out, seen[0]!)).mode;
  });
  await write([file("early"), late], out);
  if (process.platform !== "win32") expect(mode & 0o077).toBe(0);
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatch(/^\.ocilot-tmp-/);
  expect(readdirSync(out)).toEqual(["early", "late"]);
});

test("a link in the way with a long name is refused before any content is read", async () => {
  const out = tempDir();
  symlinkSync(tempDir(), join(out, "long"));
  let isRead = false;
  await expect(write([file("long/name", () => (isRead = true))], out)).rejects.toThrow("is a link");
  expect(isRead).toBe(false);
});

test("--force replaces a file, and nothing to write leaves an empty directory", async () => {
  const out = tempDir();
  writeFileSync(join(out, "a"), "old");
  await write([file("a")], out, true);
  expect(readFileSync(join(out, "a"), "utf8")).toBe("content of a");
  await write([], join(out, "empty"));
  expect(readdirSync(join(out, "empty"))).toEqual([]);
});

test("a layer is read from the layout", async () => {
  const out = tempDir();
  const { open: _, ...planned } = file("a");
  const blobs = { open: async () => Readable.from([Buffer.from("from the layout")]) } as unknown as BlobReader;
  await writeFiles(blobs, [planned], out, { force: false, signal: SIGNAL });
  expect(readFileSync(join(out, "a"), "utf8")).toBe("from the layout");
});

test("what somebody else removes first is no error of its own, and what cannot be looked at is one", async () => {
  const out = tempDir();
  vi.mocked(link).mockImplementationOnce(async (from, to) => linkSync(from as string, to as string));
  vi.mocked(link).mockImplementationOnce(async () => {
    rmSync(join(out, "a"));
    throw fault("EEXIST");
  });
  await expect(write([file("a"), file("b")], out)).rejects.toMatchObject({ code: "OUTPUT_EXISTS" });
  expect(readdirSync(out)).toEqual([]);
  vi.mocked(lstat).mockRejectedValueOnce(fault("EACCES"));
  await expect(write([file("a")], out)).rejects.toMatchObject({ code: "EACCES" });
});
