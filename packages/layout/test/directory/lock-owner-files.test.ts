import { lstatSync, readFileSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import * as fs from "node:fs";
import { link, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Owner, createOwned, isDead, readOwner, replaceOwned } from "../../src/directory/lock-owner.js";
import type { FileSystemClock } from "../../src/filesystem/clock.js";
import { hostId, hostTag, processStart } from "../../src/filesystem/temp-file.js";
import { dirWith, namesIn } from "../helpers.js";

vi.mock("node:fs/promises", { spy: true });
vi.mock("node:fs", { spy: true });
afterEach(() => {
  for (const call of [link, rename, symlink, writeFile]) vi.mocked(call as typeof link).mockReset();
  vi.mocked(fs.readFileSync).mockReset();
});

const me: Owner = { host: hostId(), pid: process.pid, nonce: "aa" };
const fault = (code: string): Error => Object.assign(new Error(code), { code, syscall: "x" });
const fail = (code: string) => (): Promise<never> => Promise.reject(fault(code));
const real = async () => await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");

describe("a file that names an owner", () => {
  test.each(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EINVAL", "EISDIR", "UNKNOWN"])(
    "is made where hard links answer %s",
    async (code) => {
      const dir = dirWith({});
      vi.mocked(link).mockImplementation(fail(code));
      expect(await createOwned(dir, "lock", me)).toBe(true);
      expect(await createOwned(dir, "lock", { ...me, nonce: "bb" })).toBe(false);
      expect(await readOwner(dir, "lock")).toEqual(me);
      expect(namesIn(dir)).toEqual(["lock"]);
    },
  );

  test("is not made without hard links where it cannot be written: the error is that of the write", async () => {
    const dir = dirWith({});
    const { writeFile: write } = await real();
    vi.mocked(link).mockImplementation(fail("EPERM"));
    vi.mocked(writeFile).mockImplementationOnce(write).mockImplementationOnce(fail("EIO"));
    await expect(createOwned(dir, "lock", me)).rejects.toMatchObject({ code: "EIO" });
    expect(namesIn(dir)).toEqual([]);
  });

  test("on a full disk is a link, which is not replaced by another one", async () => {
    const dir = dirWith({});
    vi.mocked(writeFile).mockImplementation(fail("ENOSPC"));
    expect(await createOwned(dir, "lock", me)).toBe(true);
    expect(readlinkSync(join(dir, "lock"))).toBe(`o:${hostTag(hostId())}-${process.pid}--aa`);
    expect(await createOwned(dir, "lock", { ...me, nonce: "bb" })).toBe(false);
    expect(await readOwner(dir, "lock")).toEqual({ host: `#${hostTag(hostId())}`, pid: process.pid, nonce: "aa" });
  });

  test("is replaced by a link on a full disk, and not for another fault", async () => {
    const dir = dirWith({ lock: JSON.stringify(me) });
    vi.mocked(writeFile).mockImplementation(fail("EIO"));
    await expect(replaceOwned(dir, "lock", { ...me, nonce: "bb" })).rejects.toMatchObject({ code: "EIO" });
    expect(await readOwner(dir, "lock")).toEqual(me);
    vi.mocked(writeFile).mockImplementation(fail("ENOSPC"));
    await replaceOwned(dir, "lock", { ...me, started: "5", nonce: "bb" });
    expect(await readOwner(dir, "lock")).toEqual({ host: `#${hostTag(hostId())}`, pid: process.pid, started: "5", nonce: "bb" });
    expect(namesIn(dir)).toEqual(["lock"]);
  });

  test("stays as it is if the rename over it fails, and nothing else is left", async () => {
    const dir = dirWith({ lock: JSON.stringify(me) });
    vi.mocked(rename).mockImplementation(fail("EIO"));
    await expect(replaceOwned(dir, "lock", { ...me, nonce: "bb" })).rejects.toMatchObject({ code: "EIO" });
    expect(await readOwner(dir, "lock")).toEqual(me);
    expect(namesIn(dir)).toEqual(["lock"]);
  });

  test("is not written through a link that somebody puts under its temporary name", async () => {
    const outside = join(dirWith({ victim: "x" }), "victim");
    const { writeFile: write } = await real();
    const dir = dirWith({});
    vi.mocked(writeFile).mockImplementation(async (path, data, options) => {
      symlinkSync(outside, path as string);
      await write(path, data, options);
    });
    expect(await createOwned(dir, "lock", me)).toBe(false);
    await expect(replaceOwned(dir, "lock", me)).rejects.toMatchObject({ code: "EEXIST" });
    expect(readFileSync(outside, "utf8")).toBe("x");
    expect(namesIn(dir)).toEqual([]);
  });
});

describe("what names nobody", () => {
  const owner = (change: object): string => JSON.stringify({ host: "h", pid: 5, nonce: "aa", ...change });
  test.each([
    "5",
    "null",
    "[]",
    owner({ host: "" }),
    owner({ host: 5 }),
    owner({ pid: 0 }),
    owner({ pid: -1 }),
    owner({ pid: 1.5 }),
    owner({ started: 5 }),
    owner({ nonce: 5 }),
    owner({ nonce: "" }),
    owner({ nonce: "../aa" }),
    owner({ nonce: "aa/../x" }),
    owner({ nonce: "a".repeat(65) }),
  ])("%s", async (text) => {
    const found = await readOwner(dirWith({ lock: text }), "lock");
    expect(found).toMatchObject({ host: "", pid: 0 });
    expect(found!.nonce).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a good owner is read as it is", async () => {
    for (const change of [{}, { started: "7" }, { nonce: "a".repeat(64) }])
      expect(await readOwner(dirWith({ lock: owner(change) }), "lock")).toEqual(JSON.parse(owner(change)));
  });

  test.each(["xo:00000000-5--aa", "o:00000000-5--aax", "o:00000000-0--aa", "o:0000000-5--aa", "o:00000000-5--", "nowhere"])(
    "a link to %s is no owner's",
    async (target) => {
      const dir = dirWith({});
      symlinkSync(target, join(dir, "lock"));
      expect(await readOwner(dir, "lock")).toBeUndefined();
    },
  );

  test("no file is no owner's", async () => {
    expect(await readOwner(dirWith({}), "lock")).toBeUndefined();
  });
});

describe("isDead", () => {
  const clockAt = (now: number): FileSystemClock => ({ now: () => now }) as FileSystemClock;
  const other: Owner = { host: "elsewhere", pid: 5, nonce: "aa" };
  /** A file that was last renewed so many milliseconds ago by the clock that goes with it. */
  function aged(age: number): { dir: string; clock: FileSystemClock; time: () => number } {
    const dir = dirWith({ lock: "" });
    utimesSync(join(dir, "lock"), 1_000_000, 1_000_000);
    return { dir, clock: clockAt(1_000_000_000 + age), time: () => lstatSync(join(dir, "lock")).mtimeMs };
  }
  const asked = async (age: number): Promise<[isDead: boolean, isRenewed: boolean]> => {
    const { dir, clock, time } = aged(age);
    return [await isDead(dir, "lock", other, { host: hostId(), stale: 60_000, clock }), time() !== 1_000_000_000];
  };

  test("an owner elsewhere is dead after the time without a renewal, and not renewed by who asks", async () => {
    expect(await asked(60_000)).toEqual([false, false]);
    expect(await asked(60_001)).toEqual([true, false]);
    expect(await asked(1000)).toEqual([false, false]);
  });

  test("a time in the future is set to now, unless it is nearly now", async () => {
    expect(await asked(-2000)).toEqual([false, false]);
    expect(await asked(-2001)).toEqual([false, true]);
  });

  test("an owner elsewhere whose file is gone is not dead", async () => {
    expect(await isDead(dirWith({}), "lock", other, { host: hostId(), stale: 0, clock: clockAt(0) })).toBe(false);
  });

  test.runIf(process.platform === "linux")("a process of which no start is known counts as alive", async () => {
    const rule = { host: hostId(), stale: 0, clock: clockAt(0) };
    const dir = dirWith({ lock: "" });
    writeFileSync(join(dir, "lock"), "");
    expect(await isDead(dir, "lock", { ...me, started: `${processStart(process.pid)}0` }, rule)).toBe(true);
    expect(await isDead(dir, "lock", me, rule)).toBe(false);
    vi.mocked(fs.readFileSync).mockImplementation(() => {
      throw fault("EACCES");
    });
    expect(await isDead(dir, "lock", { ...me, started: "1" }, rule)).toBe(false);
  });
});
