import { mkdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Layout } from "../src/index.js";
import { acquireLock } from "../src/directory/lock.js";
import { hostId, processStart } from "../src/filesystem/temp-file.js";
import { DEAD_PID, errorOf, layoutWith, namesIn } from "./helpers.js";
import { CLEAN, LOCK, NOW, isBusy, plant, takes } from "./lock-helpers.js";

const STARTED = processStart(process.pid);

describe("exclusion within one process", () => {
  test("of 50 contenders there is never more than one inside", async () => {
    const dir = layoutWith();
    let inside = 0;
    let most = 0;
    const contend = async (): Promise<void> => {
      const lock = await acquireLock(dir, { wait: 50_000 });
      most = Math.max(most, ++inside);
      await sleep(1);
      await lock.assertHeld();
      inside--;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 50 }, contend));
    expect(most).toBe(1);
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("who waits in vain is told who holds it, and by which file", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, NOW);
    const error = await isBusy(dir);
    expect(error.message).toContain(`${LOCK}: process ${process.pid} on `);
    expect(error.hint).toContain("--wait");
    await lock.release();
    await takes(dir);
  });

  test("who waits can be interrupted", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, NOW);
    const stop = new AbortController();
    const waiting = acquireLock(dir, { wait: 50_000, signal: stop.signal });
    stop.abort();
    expect((await errorOf(waiting)).code).toBe("ABORTED");
    await lock.release();
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("while it is held, BuildKit finds its own lock's name taken", async () => {
    const dir = layoutWith();
    const lock = await acquireLock(dir, NOW);
    expect(namesIn(dir)).toEqual([LOCK, "blobs", "index.json", "index.json.lock", "oci-layout"]);
    await lock.release();
  });
});

describe("the lock of a dead owner", () => {
  test("is taken over at once", async () => {
    const dir = layoutWith();
    plant(dir, { host: hostId(), pid: DEAD_PID, nonce: "aa" });
    await takes(dir);
  });

  test.runIf(STARTED !== undefined)("is told from that of a new process with the same pid by the time it started", async () => {
    const dir = layoutWith();
    plant(dir, { host: hostId(), pid: process.pid, started: "1", nonce: "aa" });
    await takes(dir);
    plant(dir, { host: hostId(), pid: process.pid, started: STARTED, nonce: "aa" });
    await isBusy(dir);
    plant(dir, { host: hostId(), pid: process.pid, nonce: "aa" });
    await isBusy(dir);
  });

  test("recovers after a crash between claim and replacement, and after several", async () => {
    const dir = layoutWith();
    for (const nonces of [
      ["aa", "bb"],
      ["aa", "bb", "cc", "dd"],
    ]) {
      nonces.forEach((nonce, i) => {
        plant(dir, { host: hostId(), pid: DEAD_PID + i, nonce }, i === 0 ? LOCK : `${LOCK}.after-${nonces[i - 1]}`);
      });
      await takes(dir);
    }
  });

  test("is left to a process that lives and is taking it over", async () => {
    const dir = layoutWith();
    plant(dir, { host: hostId(), pid: DEAD_PID, nonce: "aa" });
    plant(dir, { host: hostId(), pid: process.pid, started: STARTED, nonce: "bb" }, `${LOCK}.after-aa`);
    expect((await isBusy(dir)).message).toContain(`${LOCK}.after-aa: process ${process.pid}`);
    expect(JSON.parse(readFileSync(join(dir, LOCK), "utf8"))).toMatchObject({ nonce: "aa" });
  });

  test("a claim on some other lock is left alone: somebody may be about to take that one over", async () => {
    const dir = layoutWith();
    plant(dir, { host: hostId(), pid: DEAD_PID, nonce: "aa" });
    plant(dir, { host: "elsewhere", pid: 7, nonce: "ee" }, `${LOCK}.after-dd`);
    await (await acquireLock(dir, NOW)).release();
    expect(namesIn(dir)).toEqual([`${LOCK}.after-dd`, ...CLEAN]);
  });

  test("an empty directory index.json.lock, which only a killed ocilot leaves, is no hindrance", async () => {
    const dir = layoutWith();
    mkdirSync(join(dir, "index.json.lock"));
    await takes(dir);
  });
});

describe("another host's lock", () => {
  const owner = { host: "other-host boot pid:[1]", pid: process.pid, nonce: "aa" };

  test("is not taken while its heartbeat is young, and is afterwards", async () => {
    const dir = layoutWith();
    plant(dir, owner, LOCK, 5);
    expect((await isBusy(dir)).message).toContain(`process ${process.pid} on other-host is writing`);
    plant(dir, owner, LOCK, 3600);
    await takes(dir);
  });

  test("counts from the newest claim on it", async () => {
    const dir = layoutWith();
    plant(dir, owner, LOCK, 3600);
    plant(dir, { ...owner, nonce: "bb" }, `${LOCK}.after-aa`, 5);
    await isBusy(dir);
    plant(dir, { ...owner, nonce: "bb" }, `${LOCK}.after-aa`, 3600);
    await takes(dir);
  });

  test("a holder that was suspended learns that its lock is gone, and removes nothing of the new holder", async () => {
    const dir = layoutWith();
    const suspended = await acquireLock(dir, { ...NOW, host: "other-host" });
    utimesSync(join(dir, LOCK), 1, 1);
    const successor = await acquireLock(dir, NOW);
    expect(await errorOf(suspended.assertHeld())).toMatchObject({ code: "LOCK_LOST", details: { file: LOCK } });
    await suspended.release();
    await successor.assertHeld();
    expect(namesIn(dir)).toContain("index.json.lock");
    await successor.release();
    expect(namesIn(dir)).toEqual(CLEAN);
  });

  test("a holder that was suspended has lost it already while the successor still claims it", async () => {
    const dir = layoutWith();
    const suspended = await acquireLock(dir, { ...NOW, host: "other-host" });
    const { nonce } = JSON.parse(readFileSync(join(dir, LOCK), "utf8")) as { nonce: string };
    plant(dir, { ...owner, nonce: "bb" }, `${LOCK}.after-${nonce}`);
    expect((await errorOf(suspended.assertHeld())).code).toBe("LOCK_LOST");
    await suspended.release();
    expect(namesIn(dir)).toContain(LOCK);
  });

  test("an update that lost the lock replaces nothing", async () => {
    const dir = layoutWith();
    const { index } = await Layout.open(dir);
    const before = readFileSync(join(dir, "index.json"), "utf8");
    const update = index.update(() => {
      plant(dir, { ...owner, nonce: "cc" });
      return [{ op: "annotate-index", set: { a: "b" } }];
    });
    expect((await errorOf(update)).code).toBe("LOCK_LOST");
    expect(readFileSync(join(dir, "index.json"), "utf8")).toBe(before);
    expect(JSON.parse(readFileSync(join(dir, LOCK), "utf8"))).toMatchObject({ nonce: "cc" });
  });
});
