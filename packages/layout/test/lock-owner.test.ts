import { execFileSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { link } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readOwner } from "../src/directory/lock-owner.js";
import { acquireLock } from "../src/directory/lock.js";
import { hostId } from "../src/filesystem/temp-file.js";
import { DEAD_PID, errorOf, layoutWith, namesIn } from "./helpers.js";
import { CLEAN, LOCK, NOW, isBusy, plant, takes } from "./lock-helpers.js";

vi.mock("node:fs/promises", { spy: true });
afterEach(() => void vi.mocked(link).mockReset());

const refuse = (code: string): void =>
  void vi.mocked(link).mockImplementation(() => Promise.reject(Object.assign(new Error(code), { code, syscall: "link" })));

describe("what else may stand there", () => {
  test("BuildKit's lock file: busy with a hint, and neither it nor anything of ours stays behind", async () => {
    const dir = layoutWith();
    writeFileSync(join(dir, "index.json.lock"), "");
    const error = await isBusy(dir);
    expect(error.message).toContain("index.json.lock");
    expect(error.hint).toContain("BuildKit");
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "index.json.lock", "oci-layout"]);
  });

  test("BuildKit's lock file goes away while we wait", async () => {
    const dir = layoutWith();
    writeFileSync(join(dir, "index.json.lock"), "");
    const waiting = acquireLock(dir, { wait: 50_000 });
    await sleep(20);
    execFileSync("rm", [join(dir, "index.json.lock")]);
    await (await waiting).release();
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test.each([
    "",
    "garbage",
    "null",
    "[]",
    "{}",
    '{"nonce":"aa"}',
    '{"nonce":"aa","pid":5}',
    '{"host":7,"pid":5,"nonce":"aa"}',
    '{"host":"","pid":0,"nonce":"aa"}',
    `{"host":${JSON.stringify(hostId())},"pid":-1,"nonce":"aa"}`,
    `{"host":${JSON.stringify(hostId())},"pid":"x","nonce":"aa"}`,
    '{"host":"h","pid":5,"nonce":"../../x"}',
  ])("%j names nobody: busy until it is old, then taken", async (content) => {
    const dir = layoutWith();
    plant(dir, content);
    expect((await isBusy(dir)).hint).toContain("remove it");
    plant(dir, content, LOCK, 3600);
    await takes(dir);
  });

  test("garbage behind garbage does not lead in a circle", async () => {
    const dir = layoutWith();
    plant(dir, "", LOCK, 3600);
    plant(dir, "", `${LOCK}.after-${(await readOwner(dir, LOCK))!.nonce}`, 3600);
    await takes(dir);
  });

  test("a circle, which ocilot never makes, is busy for ever and not followed for ever", async () => {
    const dir = layoutWith();
    plant(dir, { host: "elsewhere", pid: 1, nonce: "aa" }, LOCK, 3600);
    plant(dir, { host: "elsewhere", pid: 1, nonce: "bb" }, `${LOCK}.after-aa`, 3600);
    plant(dir, { host: "elsewhere", pid: 1, nonce: "aa" }, `${LOCK}.after-bb`, 3600);
    await isBusy(dir, { wait: 50 });
  });

  test.skipIf(process.platform === "win32")("a pipe, a link out of the layout and a huge file are refused and not read", async () => {
    const pipe = layoutWith();
    execFileSync("mkfifo", [join(pipe, LOCK)]);
    expect((await errorOf(acquireLock(pipe, NOW))).code).toBe("LINK_OUTSIDE");
    const linked = layoutWith();
    symlinkSync("/etc/passwd", join(linked, LOCK));
    expect((await errorOf(acquireLock(linked, NOW))).code).toBe("LINK_OUTSIDE");
    const huge = layoutWith();
    plant(huge, " ".repeat(100_000));
    expect((await errorOf(acquireLock(huge, NOW))).code).toBe("LIMIT_EXCEEDED");
  });
});

describe("a file system without hard links", () => {
  test.each(["EPERM", "ENOTSUP", "EISDIR"])("answers %s: the lock works all the same", async (code) => {
    refuse(code);
    const dir = layoutWith();
    const lock = await acquireLock(dir, NOW);
    await isBusy(dir);
    await lock.release();
    plant(dir, { host: hostId(), pid: DEAD_PID, nonce: "aa" });
    await takes(dir);
  });

  test("excludes many contenders as well", async () => {
    refuse("EPERM");
    const dir = layoutWith();
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const lock = await acquireLock(dir, { wait: 50_000 });
        expect(++inside).toBe(1);
        await sleep(1);
        inside--;
        await lock.release();
      }),
    );
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("a network file system that made the link and then says it was there: the lock is ours", async () => {
    const real = await vi.importActual<typeof import("node:fs/promises")>("node:fs/promises");
    vi.mocked(link).mockImplementationOnce(async (from, to) => {
      await real.link(from, to);
      throw Object.assign(new Error("EEXIST"), { code: "EEXIST", syscall: "link" });
    });
    await takes(layoutWith());
  });

  test("any other failure is an IO_ERROR that leaves nothing behind", async () => {
    refuse("EIO");
    const dir = layoutWith();
    expect(await errorOf(acquireLock(dir, NOW))).toMatchObject({ code: "IO_ERROR", details: { path: dir, errno: "EIO" } });
    expect(namesIn(dir)).toEqual(CLEAN);
  });
});
