import { linkSync, lstatSync, readFileSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { link, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Layout } from "../../src/index.js";
import { readOwner } from "../../src/directory/lock-owner.js";
import { acquireLock } from "../../src/directory/lock.js";
import { hostId, hostTag, isAlive, processStart } from "../../src/filesystem/temp-file.js";
import { DEAD_PID, layoutWith, namesIn, text, treeOf } from "../helpers.js";
import { CLEAN, LOCK, NOW, isBusy, plant, takes } from "../lock-helpers.js";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => {
  for (const call of [link, writeFile, mkdir]) vi.mocked(call).mockReset();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const other = { host: "other-host boot pid:[1]", pid: 7, nonce: "aa" };
const BUILDKIT = "index.json.lock";

describe("ages come from one clock", () => {
  test("a lock of another host with a time in the future ages from now on, and is taken over", async () => {
    const dir = layoutWith();
    plant(dir, other, LOCK, -365 * 24 * 3600);
    await isBusy(dir);
    // Its time has been set to now, so that a minute without a renewal is seen as one.
    expect(Math.abs(lstatSync(join(dir, LOCK)).mtimeMs - Date.now())).toBeLessThan(3600_000);
    plant(dir, other, LOCK, 61);
    await takes(dir);
  });

  test("so does a claim on it", async () => {
    const dir = layoutWith();
    plant(dir, other, LOCK, 3600);
    plant(dir, { ...other, nonce: "bb" }, `${LOCK}.after-aa`, -3600);
    await isBusy(dir);
    expect(lstatSync(join(dir, `${LOCK}.after-aa`)).mtimeMs - Date.now()).toBeLessThan(600_000);
  });

  test("this machine's clock decides nothing: hours ahead or behind, a young lock is busy and an old one is taken", async () => {
    for (const offset of [-2, 2]) {
      const dir = layoutWith();
      const real = Date.now.bind(Date);
      vi.spyOn(Date, "now").mockImplementation(() => real() + offset * 3600_000);
      writeFileSync(join(dir, LOCK), JSON.stringify(other));
      await isBusy(dir);
      const then = real() / 1000 - 120;
      utimesSync(join(dir, LOCK), then, then);
      await takes(dir);
      const { blobs } = await Layout.open(dir, { sync: false });
      await blobs.put(text("young"));
      const now = await blobs.now!();
      for await (const { modified } of blobs.list()) expect(now - modified).toBeLessThan(600_000);
      vi.restoreAllMocks();
    }
  });

  test("the hint for another host's lock says how to decide", async () => {
    const dir = layoutWith();
    plant(dir, other);
    const { hint } = await isBusy(dir);
    expect(hint).toContain("--wait");
    expect(hint).toContain("renews the file every 10 s");
    expect(hint).toContain(`rm ${join(dir, LOCK)}`);
  });
});

test("the holder renews its lock, so that another host does not take it for dead", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const dir = layoutWith();
  const lock = await acquireLock(dir, NOW);
  utimesSync(join(dir, LOCK), 1, 1);
  vi.advanceTimersByTime(10_000);
  await expect.poll(() => lstatSync(join(dir, LOCK)).mtimeMs).toBeGreaterThan(1_000_000_000_000);
  await lock.release();
  expect(vi.getTimerCount()).toBe(0);
});

test("a takeover is given up if the lock has passed to somebody else since it was read", async () => {
  const dir = layoutWith();
  plant(dir, { host: hostId(), pid: DEAD_PID, nonce: "aa" });
  const winner = { host: hostId(), pid: process.pid, started: processStart(process.pid), nonce: "bb" };
  vi.mocked(link).mockImplementation(async (from, to) => {
    linkSync(from as string, to as string);
    if ((to as string).endsWith(".after-aa")) plant(dir, winner);
  });
  await isBusy(dir);
  expect(JSON.parse(readFileSync(join(dir, LOCK), "utf8"))).toEqual(winner);
  expect(namesIn(dir)).not.toContain(`${LOCK}.after-aa`);
});

test("a process of another user counts as alive", () => {
  vi.spyOn(process, "kill").mockImplementation(() => {
    throw Object.assign(new Error("EPERM"), { code: "EPERM" });
  });
  expect(isAlive(DEAD_PID)).toBe(true);
});

describe("on a full disk", () => {
  const fail = (code: string) => (): Promise<never> => Promise.reject(Object.assign(new Error(code), { code, syscall: "write" }));

  test.each(["ENOSPC", "EDQUOT"])("%s: the lock is a link, excludes others, keeps BuildKit out and goes away", async (code) => {
    const dir = layoutWith();
    vi.mocked(writeFile).mockImplementation(fail(code));
    vi.mocked(mkdir).mockImplementation(fail(code));
    const lock = await acquireLock(dir, NOW);
    expect(readlinkSync(join(dir, LOCK)).length).toBeLessThan(60);
    expect(readlinkSync(join(dir, BUILDKIT))).toBe(".");
    expect(await readOwner(dir, LOCK)).toMatchObject({ host: `#${hostTag()}`, pid: process.pid });
    await lock.assertHeld();
    expect((await isBusy(dir)).message).toContain(`process ${process.pid} on `);
    vi.mocked(writeFile).mockReset();
    vi.mocked(mkdir).mockReset();
    await isBusy(dir);
    await lock.release();
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("a blob is deleted, and index.json is not written", async () => {
    const dir = layoutWith(undefined, [text("x")]);
    const layout = await Layout.open(dir);
    vi.mocked(writeFile).mockImplementation(fail("ENOSPC"));
    vi.mocked(mkdir).mockImplementation(fail("ENOSPC"));
    await layout.index.update(async () => {
      for await (const { digest } of layout.blobs.list()) expect(await layout.blobs.delete(digest)).toBe(true);
      return [];
    });
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("the link of a dead owner, of this host or an old one of another, is taken over; with room or without", async () => {
    for (const [host, age] of [
      [hostId(), 0],
      ["elsewhere", 3600],
    ] as const) {
      for (const isFull of [false, true]) {
        const dir = layoutWith();
        symlinkSync(`o:${hostTag(host)}-${DEAD_PID}--aa`, join(dir, LOCK));
        symlinkSync(".", join(dir, BUILDKIT));
        const { lutimesSync } = await import("node:fs");
        const then = Date.now() / 1000 - age;
        lutimesSync(join(dir, LOCK), then, then);
        if (isFull) vi.mocked(writeFile).mockImplementation(fail("ENOSPC"));
        await takes(dir);
        vi.mocked(writeFile).mockReset();
      }
    }
  });

  test("a young link of another host is busy", async () => {
    const dir = layoutWith();
    symlinkSync(`o:${hostTag("elsewhere")}-${DEAD_PID}-5-aa`, join(dir, LOCK));
    expect((await isBusy(dir)).message).toContain("on another host");
  });

  test("where links cannot be made either, the error is that of the full disk", async () => {
    const dir = layoutWith();
    vi.mocked(writeFile).mockImplementation(fail("ENOSPC"));
    const fs = await import("node:fs/promises");
    vi.mocked(fs.symlink).mockImplementation(fail("EPERM"));
    await expect(acquireLock(dir, NOW)).rejects.toMatchObject({ code: "IO_ERROR", details: { errno: "ENOSPC" } });
    vi.mocked(fs.symlink).mockReset();
  });
});

describe("clearDeadLock", () => {
  const clear = async (dir: string): Promise<void> => await (await Layout.open(dir)).index.clearDeadLock!();

  test("removes what a killed process left, and lets BuildKit in again", async () => {
    const dir = layoutWith();
    plant(dir, { host: hostId(), pid: DEAD_PID, nonce: "aa" });
    await mkdir(join(dir, BUILDKIT));
    writeFileSync(join(dir, `.ocilot-tmp-${hostTag()}-${DEAD_PID}-000000000000`), "x");
    await clear(dir);
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("leaves a living owner, BuildKit's own lock and a clean layout alone", async () => {
    const dir = layoutWith();
    plant(dir, { host: hostId(), pid: process.pid, started: processStart(process.pid), nonce: "aa" });
    const before = readFileSync(join(dir, LOCK), "utf8");
    await clear(dir);
    expect(readFileSync(join(dir, LOCK), "utf8")).toBe(before);
    const foreign = layoutWith();
    writeFileSync(join(foreign, BUILDKIT), "");
    await clear(foreign);
    expect(namesIn(foreign)).toContain(BUILDKIT);
    const clean = layoutWith();
    const tree = treeOf(clean);
    await clear(clean);
    expect(treeOf(clean)).toEqual(tree);
  });
});
