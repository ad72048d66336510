import { chmodSync, readFileSync, statSync } from "node:fs";
import { type FileHandle, chmod, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { replaceFile, setMode, syncDirectory } from "../src/filesystem/atomic-write.js";
import { dirWith, namesIn, text } from "./helpers.js";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => {
  vi.mocked(rename).mockReset();
  vi.mocked(chmod).mockReset();
  vi.mocked(open).mockReset();
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

test("syncDirectory does not hide that a directory is missing", async () => {
  const dir = dirWith({});
  await syncDirectory(dir);
  await expect(syncDirectory(join(dir, "missing"))).rejects.toMatchObject({ code: "ENOENT" });
});

describe("a power failure", () => {
  /** Notes every sync and every rename, in their order, and how many files stay open. */
  async function steps(dir: string, sync: boolean): Promise<{ order: string[]; open: number }> {
    const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
    const order: string[] = [];
    const handles: FileHandle[] = [];
    vi.mocked(open).mockImplementation(async (...args) => {
      const handle = await real.open(...args);
      const call = handle.sync.bind(handle);
      handle.sync = async () => {
        order.push(`sync ${args[0] === dir ? "directory" : "file"}`);
        await call();
      };
      handles.push(handle);
      return handle;
    });
    vi.mocked(rename).mockImplementation(async (from, to) => {
      order.push("rename");
      await real.rename(from, to);
    });
    await replaceFile(dir, join(dir, "f"), text("new"), { sync });
    return { order, open: handles.filter((h) => h.fd !== -1).length };
  }

  test("finds the old file or the new one: the content is on the disk before the name, and the name before the end", async () => {
    expect(await steps(dirWith({ f: "old" }), true)).toEqual({ order: ["sync file", "rename", "sync directory"], open: 0 });
  });

  test("is not thought of without sync", async () => {
    expect(await steps(dirWith({ f: "old" }), false)).toEqual({ order: ["rename"], open: 0 });
  });

  test("a sync of the file that fails leaves the old file", async () => {
    const dir = dirWith({ f: "old" });
    const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
    let handle: FileHandle | undefined;
    vi.mocked(open).mockImplementation(async (...args) => {
      handle = await real.open(...args);
      handle.sync = () => Promise.reject(fault("EIO"));
      return handle;
    });
    await expect(replace(dir)).rejects.toMatchObject({ code: "EIO" });
    expect([readFileSync(join(dir, "f"), "utf8"), namesIn(dir), handle?.fd]).toEqual(["old", ["f"], -1]);
  });
});

describe("what a file system cannot do is no failure, and everything else is", () => {
  const refusing = (code: string | undefined): Error => (code === undefined ? new Error("x") : fault(code));

  test.each(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"])("chmod answers %s", async (code) => {
    vi.mocked(chmod).mockRejectedValueOnce(refusing(code));
    await setMode("f", 0o644);
  });

  test.each(["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])("syncing a directory answers %s", async (code) => {
    let isClosed = false;
    const handle = { sync: () => Promise.reject(refusing(code)), close: async () => void (isClosed = true) };
    vi.mocked(open).mockResolvedValueOnce(handle as unknown as FileHandle);
    await syncDirectory("d");
    expect(isClosed).toBe(true);
  });

  test.each(["EIO", "ENOENT", undefined])("%s comes out as it is", async (code) => {
    const error = refusing(code);
    vi.mocked(chmod).mockRejectedValueOnce(error);
    await expect(setMode("f", 0o644)).rejects.toBe(error);
    vi.mocked(open).mockRejectedValueOnce(error);
    await expect(syncDirectory("d")).rejects.toBe(error);
  });
});
