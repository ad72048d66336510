import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errnoOf } from "../../src/index.js";
import { type DirectoryCalls, makeDirectory } from "../../src/filesystem/make-directory.js";
import { errorOf, tempDir } from "../helpers.js";

/** The errno that a call fails with. */
function errnoFrom(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return errnoOf(error);
  }
  return undefined;
}

const failure = (code: string): Error => Object.assign(new Error(code), { code, syscall: "mkdir" });

test("directories that do not exist are made, and the first of them is returned", () => {
  const dir = tempDir();
  expect(makeDirectory(join(dir, "a/b/c"), 0o700)).toBe(join(dir, "a"));
  expect(existsSync(join(dir, "a/b/c"))).toBe(true);
  if (process.platform !== "win32") expect(statSync(join(dir, "a/b")).mode & 0o777).toBe(0o700);
  expect(makeDirectory(join(dir, "a/b/c"))).toBeUndefined();
  expect(makeDirectory(join(dir, "a/b/d"))).toBe(join(dir, "a/b/d"));
});

test("a file in the way, or above, is an error of the system; nothing is made", () => {
  const dir = tempDir();
  writeFileSync(join(dir, "file"), "");
  expect(errnoFrom(() => makeDirectory(join(dir, "file")))).toBe("EEXIST");
  expect(errnoFrom(() => makeDirectory(join(dir, "file/a/b")))).toBe("EEXIST");
  expect(readdirSync(dir)).toEqual(["file"]);
});

test.skipIf(process.platform === "win32")("a link to a directory is one; a link that leads nowhere is not", () => {
  const dir = tempDir();
  mkdirSync(join(dir, "real"));
  symlinkSync("real", join(dir, "link"));
  symlinkSync("nowhere", join(dir, "dead"));
  expect(makeDirectory(join(dir, "link/a"))).toBe(join(dir, "link/a"));
  expect(readdirSync(join(dir, "real"))).toEqual(["a"]);
  expect(errnoFrom(() => makeDirectory(join(dir, "dead")))).toBe("EEXIST");
});

test("a directory that another process makes meanwhile is taken", () => {
  const made = new Set(["/"]);
  const calls: DirectoryCalls = {
    isDirectory: (path) => made.has(path),
    make: (path) => {
      made.add(path);
      if (path === "/a") throw failure("EEXIST");
    },
  };
  expect(makeDirectory("/a/b", 0o777, calls)).toBe("/a/b");
});

test("a file system that takes no new directory is named, after one try", async () => {
  const tried: string[] = [];
  const calls: DirectoryCalls = {
    isDirectory: (path) => path === "/proc" || path === "/",
    make: (path) => {
      tried.push(path);
      throw failure("ENOENT");
    },
  };
  const error = await errorOf(() => makeDirectory("/proc/x/y", 0o777, calls));
  expect(error).toMatchObject({
    code: "IO_ERROR",
    message: "/proc/x: no directory can be made in /proc",
    hint: expect.stringContaining("df") as string,
  });
  expect(tried).toEqual(["/proc/x"]);
});
