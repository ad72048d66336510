import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { link, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Layout } from "../../src/index.js";
import { acquireLock } from "../../src/directory/lock.js";
import { hostId, hostTag, processStart } from "../../src/filesystem/temp-file.js";
import { DEAD_PID, errorOf, layoutWith, namesIn } from "../helpers.js";
import { CLEAN, LOCK, NOW, isBusy, plant, takes } from "../lock-helpers.js";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => {
  for (const call of [link, mkdir, readdir, rename, rm, writeFile]) vi.mocked(call as typeof link).mockReset();
});

const BUILDKIT = "index.json.lock";
const dead = { host: hostId(), pid: DEAD_PID, nonce: "aa" };
const fault = (code: string): Error => Object.assign(new Error(code), { code, syscall: "x" });
const fail = (code: string) => (): Promise<never> => Promise.reject(fault(code));
const ownerIn = (dir: string): { nonce: string; started?: string } => JSON.parse(readFileSync(join(dir, LOCK), "utf8"));
const clear = async (dir: string): Promise<void> => await (await Layout.open(dir)).index.clearDeadLock!();

test.runIf(process.platform === "linux")("the lock says when its process started", async () => {
  const dir = layoutWith();
  const lock = await acquireLock(dir, NOW);
  expect(ownerIn(dir).started).toBe(processStart(process.pid));
  await lock.release();
});

test("who comes later waits for the one before it, although the lock is free", async () => {
  const dir = layoutWith();
  const first = `.ocilot-wait-${hostTag(hostId())}-${process.pid}-000000000000000000`;
  writeFileSync(join(dir, first), "");
  // The one before it is alive and keeps its ticket fresh.
  const keep = setInterval(() => utimesSync(join(dir, first), Date.now() / 1000, Date.now() / 1000), 100);
  let took = false;
  const waiting = acquireLock(dir, { wait: 100_000 }).then((lock) => {
    took = true;
    return lock;
  });
  await expect.poll(() => namesIn(dir).filter((n) => n.startsWith(".ocilot-wait-")).length).toBe(2);
  expect([took, namesIn(dir).includes(LOCK)]).toEqual([false, false]);
  clearInterval(keep);
  rmSync(join(dir, first));
  await (await waiting).release();
  expect(namesIn(dir)).toEqual(CLEAN);
});

describe("a lock that was taken and then given up for another error", () => {
  test("is removed", async () => {
    const dir = layoutWith();
    vi.mocked(readdir).mockResolvedValueOnce([]).mockImplementationOnce(fail("EIO"));
    expect(await errorOf(acquireLock(dir, NOW))).toMatchObject({ code: "IO_ERROR", details: { errno: "EIO" } });
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("counts as dead for this process, if it cannot be removed", async () => {
    const dir = layoutWith();
    vi.mocked(readdir).mockResolvedValueOnce([]).mockImplementationOnce(fail("EIO"));
    const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
    vi.mocked(rm).mockImplementation(async (path, options) => await (String(path).endsWith(LOCK) ? fail("EIO")() : real.rm(path, options)));
    await errorOf(acquireLock(dir, NOW));
    expect(namesIn(dir)).toContain(LOCK);
    vi.mocked(rm).mockReset();
    await takes(dir);
  });

  test("is removed where BuildKit's lock cannot be made", async () => {
    const dir = layoutWith();
    vi.mocked(mkdir).mockImplementationOnce(fail("EIO"));
    expect(await errorOf(acquireLock(dir, NOW))).toMatchObject({ code: "IO_ERROR", details: { errno: "EIO" } });
    expect(namesIn(dir)).toEqual(CLEAN);
  });
});

describe("a lock that cannot be released", () => {
  test("is no failure of the command, and counts as dead for this process", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, NOW);
    vi.mocked(rm).mockImplementation(fail("EIO"));
    await lock.release();
    vi.mocked(rm).mockReset();
    expect(namesIn(dir)).toContain(LOCK);
    await takes(dir);
  });
});

describe("a takeover that fails", () => {
  test("takes its claim back", async () => {
    const dir = layoutWith();
    plant(dir, dead);
    vi.mocked(rename).mockImplementationOnce(fail("EIO"));
    expect(await errorOf(acquireLock(dir, NOW))).toMatchObject({ code: "IO_ERROR", details: { errno: "EIO" } });
    expect(namesIn(dir)).toEqual([LOCK, ...CLEAN]);
    await takes(dir);
  });

  test("leaves a claim that counts as dead for this process, if it cannot be removed", async () => {
    const dir = layoutWith();
    plant(dir, dead);
    const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
    vi.mocked(rename).mockImplementationOnce(fail("EIO"));
    vi.mocked(rm).mockImplementation(
      async (path, options) => await (String(path).includes(".after-") ? fail("EIO")() : real.rm(path, options)),
    );
    await errorOf(acquireLock(dir, NOW));
    vi.mocked(rm).mockReset();
    expect(namesIn(dir)).toContain(`${LOCK}.after-aa`);
    await takes(dir);
  });

  test("because the lock is gone meanwhile, is tried again", async () => {
    const dir = layoutWith();
    plant(dir, dead);
    vi.mocked(link).mockImplementationOnce(async (from, to) => {
      linkSync(from as string, to as string);
      rmSync(join(dir, LOCK));
    });
    const lock = await acquireLock(dir, { wait: 50_000 });
    expect(namesIn(dir)).not.toContain(`${LOCK}.after-aa`);
    await lock.release();
    expect(namesIn(dir)).toEqual(CLEAN);
  });
});

test("who loses the race for a free lock is told who won it", async () => {
  const dir = layoutWith();
  vi.mocked(link).mockImplementationOnce(async (from, to) => {
    plant(dir, { host: hostId(), pid: process.pid, started: processStart(process.pid), nonce: "bb" });
    linkSync(from as string, to as string);
  });
  expect((await isBusy(dir)).message).toContain(LOCK);
  expect(ownerIn(dir).nonce).toBe("bb");
});

describe("claims on locks that are gone", () => {
  test("of dead processes of this host are removed, and others are not", async () => {
    const dir = layoutWith();
    plant(dir, dead, `${LOCK}.after-bb`);
    plant(dir, { ...dead, pid: process.pid, started: processStart(process.pid) }, `${LOCK}.after-cc`);
    plant(dir, { ...dead, host: "elsewhere" }, `${LOCK}.after-dd`);
    await (await acquireLock(dir, NOW)).release();
    expect(namesIn(dir)).toEqual([`${LOCK}.after-cc`, `${LOCK}.after-dd`, ...CLEAN]);
  });

  test("that somebody else removes meanwhile are no error", async () => {
    const dir = layoutWith();
    vi.mocked(readdir)
      .mockResolvedValueOnce([])
      .mockResolvedValueOnce([`${LOCK}.after-bb`] as never);
    await takes(dir);
  });

  test("are not confused with a claim on the lock itself, which stays", async () => {
    const dir = layoutWith();
    vi.mocked(readdir)
      .mockResolvedValueOnce([])
      .mockImplementationOnce((async () => {
        plant(dir, dead, `${LOCK}.after-${ownerIn(dir).nonce}`);
        return namesIn(dir);
      }) as never);
    const lock = await acquireLock(dir, NOW);
    expect((await errorOf(lock.assertHeld())).code).toBe("LOCK_LOST");
    await lock.release();
    expect(namesIn(dir)).toContain(LOCK);
  });
});

test("a file that another process removes first is no error", async () => {
  const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
  const late = (): void =>
    void vi.mocked(rm).mockImplementation(async (path, options) => {
      rmSync(path as string, { force: true });
      await real.rm(path, options);
    });
  const dir = layoutWith();
  late();
  plant(dir, dead);
  plant(dir, { ...dead, nonce: "bb" }, `${LOCK}.after-aa`);
  plant(dir, dead, `${LOCK}.after-cc`);
  await takes(dir);
  writeFileSync(join(dir, BUILDKIT), "");
  expect((await isBusy(dir)).message).toContain(BUILDKIT);
  unlinkSync(join(dir, BUILDKIT));
  vi.mocked(mkdir).mockImplementationOnce(fail("EIO"));
  expect(await errorOf(acquireLock(dir, NOW))).toMatchObject({ code: "IO_ERROR", details: { errno: "EIO" } });
  plant(dir, dead);
  vi.mocked(link).mockImplementationOnce(async (from, to) => {
    linkSync(from as string, to as string);
    rmSync(join(dir, LOCK));
  });
  await takes(dir, { wait: 50_000 });
  plant(dir, dead);
  vi.mocked(rename).mockImplementationOnce(fail("EIO"));
  expect(await errorOf(acquireLock(dir, NOW))).toMatchObject({ code: "IO_ERROR", details: { errno: "EIO" } });
});

describe("a lock file that goes or changes while it is held", () => {
  test("is a lock that was lost", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, NOW);
    rmSync(join(dir, LOCK));
    expect(await errorOf(lock.assertHeld())).toMatchObject({ code: "LOCK_LOST", details: { file: LOCK } });
    await lock.release();
  });

  test.skipIf(process.platform === "win32")("and cannot be read, is reported as that", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, NOW);
    rmSync(join(dir, LOCK));
    symlinkSync("/etc/passwd", join(dir, LOCK));
    expect((await errorOf(lock.assertHeld())).code).toBe("LINK_OUTSIDE");
    await lock.release();
  });
});

describe("clearDeadLock", () => {
  test("removes a dead lock without BuildKit's, and BuildKit's without a lock", async () => {
    const dir = layoutWith();
    plant(dir, dead);
    await clear(dir);
    expect(namesIn(dir)).toEqual(CLEAN);
    mkdirSync(join(dir, BUILDKIT));
    await clear(dir);
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("removes claims that are a day old, whose ever they are", async () => {
    const dir = layoutWith();
    plant(dir, dead);
    plant(dir, { ...dead, host: "elsewhere" }, `${LOCK}.after-dd`, 2 * 86_400);
    plant(dir, { ...dead, host: "elsewhere" }, `${LOCK}.after-ee`, 60);
    await clear(dir);
    expect(namesIn(dir)).toEqual([`${LOCK}.after-ee`, ...CLEAN]);
  });

  test("does nothing where the layout cannot be written, and does not hide another error", async () => {
    const dir = layoutWith();
    plant(dir, dead);
    vi.mocked(writeFile).mockImplementation(fail("EROFS"));
    await clear(dir);
    vi.mocked(writeFile).mockReset();
    expect(namesIn(dir)).toContain(LOCK);
    if (process.platform === "win32") return;
    rmSync(join(dir, LOCK));
    symlinkSync("/etc/passwd", join(dir, LOCK));
    expect((await errorOf(clear(dir))).code).toBe("LINK_OUTSIDE");
  });
});
