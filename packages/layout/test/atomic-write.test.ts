import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { chmod, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { renameOver, replaceFile, syncDirectory } from "../src/atomic-write.js";
import { dirWith, namesIn, text } from "./helpers.js";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => {
  vi.mocked(rename).mockReset();
  vi.mocked(chmod).mockReset();
  vi.unstubAllGlobals();
});

const fault = (code: string): Error => Object.assign(new Error(code), { code, syscall: "x" });
const replace = async (dir: string, before?: () => Promise<void>): Promise<void> =>
  await replaceFile(dir, join(dir, "f"), text("new"), { sync: true }, before);

test("until the last moment the old file stands, and afterwards the new one", async () => {
  const dir = dirWith({ f: "old" });
  let seen: string[] = [];
  await replace(dir, async () => {
    seen = [readFileSync(join(dir, "f"), "utf8"), ...namesIn(dir).map((n) => readFileSync(join(dir, n), "utf8"))];
  });
  expect(seen.toSorted()).toEqual(["new", "old", "old"]);
  expect(readFileSync(join(dir, "f"), "utf8")).toBe("new");
  expect(namesIn(dir)).toEqual(["f"]);
});

test("a refusal right before the rename, or a failed rename, leaves the old file and nothing else", async () => {
  const dir = dirWith({ f: "old" });
  await expect(replace(dir, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  vi.mocked(rename).mockRejectedValueOnce(fault("EIO"));
  await expect(replace(dir)).rejects.toMatchObject({ code: "EIO" });
  expect(readFileSync(join(dir, "f"), "utf8")).toBe("old");
  expect(namesIn(dir)).toEqual(["f"]);
});

test.skipIf(process.platform === "win32")(
  "a new file can be read by everybody, and an old one keeps its mode whatever the umask",
  async () => {
    const dir = dirWith({});
    const umask = process.umask(0o077);
    try {
      await replace(dir);
      expect(statSync(join(dir, "f")).mode & 0o777).toBe(0o644);
      chmodSync(join(dir, "f"), 0o666);
      await replace(dir);
      expect(statSync(join(dir, "f")).mode & 0o777).toBe(0o666);
    } finally {
      process.umask(umask);
    }
  },
);

test("a file system without modes is no reason to fail; a real fault is", async () => {
  const dir = dirWith({ f: "old" });
  vi.mocked(chmod).mockRejectedValueOnce(fault("EPERM"));
  await replace(dir);
  expect(readFileSync(join(dir, "f"), "utf8")).toBe("new");
  vi.mocked(chmod).mockRejectedValueOnce(fault("EIO"));
  await expect(replace(dir)).rejects.toMatchObject({ code: "EIO" });
});

test("on Windows a rename waits for a reader to close the target, and elsewhere a refusal is one", async () => {
  const dir = dirWith({ a: "new", b: "old" });
  vi.mocked(rename).mockRejectedValueOnce(fault("EPERM"));
  vi.stubGlobal("process", { ...process, platform: "linux" });
  await expect(renameOver(join(dir, "a"), join(dir, "b"))).rejects.toMatchObject({ code: "EPERM" });
  vi.mocked(rename).mockRejectedValueOnce(fault("EPERM")).mockRejectedValueOnce(fault("EBUSY"));
  vi.stubGlobal("process", { ...process, platform: "win32" });
  await renameOver(join(dir, "a"), join(dir, "b"));
  expect(readFileSync(join(dir, "b"), "utf8")).toBe("new");
  writeFileSync(join(dir, "a"), "x");
  vi.mocked(rename).mockRejectedValueOnce(fault("ENOSPC"));
  await expect(renameOver(join(dir, "a"), join(dir, "b"))).rejects.toMatchObject({ code: "ENOSPC" });
});

test("syncDirectory does not hide that a directory is missing", async () => {
  const dir = dirWith({});
  await syncDirectory(dir);
  await expect(syncDirectory(join(dir, "missing"))).rejects.toMatchObject({ code: "ENOENT" });
});
