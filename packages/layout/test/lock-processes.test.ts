import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Layout } from "../src/index.js";
import { acquireLock } from "../src/directory/lock.js";
import { hostId } from "../src/filesystem/temp-file.js";
import { DEAD_PID, layoutWith, namesIn, tempDir } from "./helpers.js";
import { bundleWorker, runWorkers, startWorker } from "./run-worker.js";

const PROCESSES = 8;
const LONG = process.env["OCILOT_LONG"] === "1";
const built = mkdtempSync(join(tmpdir(), "ocilot-worker-"));
let worker: string;

beforeAll(async () => {
  worker = await bundleWorker("lock-worker", built);
});
afterAll(() => rmSync(built, { recursive: true }));

/** Fails if any two stays in the log overlap; returns how many there were. */
function checkedStays(log: string): number {
  const lines = readFileSync(log, "utf8").trim().split("\n");
  for (let i = 0; i < lines.length; i += 2) {
    expect([lines[i], lines[i + 1]], `lines ${i} and ${i + 1} of the log`).toEqual([lines[i], lines[i]!.replace("enter", "exit")]);
  }
  return lines.length / 2;
}

async function contend(dir: string, rounds: number): Promise<string> {
  const log = join(tempDir(), "log");
  const gate = `${log}.gate`;
  const done = runWorkers(PROCESSES, worker, "contend", dir, log, String(rounds), gate);
  await sleep(300);
  writeFileSync(gate, "");
  expect(await done).toEqual(Array.from({ length: PROCESSES }, () => 0));
  return log;
}

describe(`${PROCESSES} processes`, () => {
  test("never hold the lock at the same time", async () => {
    const dir = layoutWith();
    expect(checkedStays(await contend(dir, 25))).toBe(PROCESSES * 25);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("that race for the lock of a dead process: one wins, every time", async () => {
    for (let round = 0; round < (LONG ? 100 : 8); round++) {
      const dir = layoutWith();
      writeFileSync(join(dir, ".ocilot-lock"), JSON.stringify({ host: hostId(), pid: DEAD_PID, nonce: "aa" }));
      // Every second time the one before died in the middle of its own takeover.
      if (round % 2 === 1) {
        writeFileSync(join(dir, ".ocilot-lock.after-aa"), JSON.stringify({ host: hostId(), pid: DEAD_PID + 1, nonce: "bb" }));
      }
      expect(checkedStays(await contend(dir, 2))).toBe(PROCESSES * 2);
      expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
    }
  });

  test("that are killed while they hold it do not let two others in", async () => {
    const dir = layoutWith();
    for (let round = 0; round < (LONG ? 30 : 4); round++) {
      const victim = startWorker(worker, "hold", dir);
      await once(victim.stdout!, "data");
      const log = contend(dir, 1);
      await sleep(350);
      victim.kill("SIGKILL");
      expect(checkedStays(await log)).toBe(PROCESSES);
      expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
    }
  });

  test("that update one index lose nothing of each other", async () => {
    const dir = layoutWith();
    expect(await runWorkers(PROCESSES, worker, "update", dir, "", "20")).toEqual(Array.from({ length: PROCESSES }, () => 0));
    const { annotations } = await (await Layout.open(dir)).index.read();
    expect(Object.keys(annotations)).toHaveLength(PROCESSES * 20);
    expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
  });
});

test("the lock of a process that was killed is free at once", async () => {
  const dir = layoutWith();
  const victim = startWorker(worker, "hold", dir);
  await once(victim.stdout!, "data");
  await expect(acquireLock(dir, { wait: 0 })).rejects.toMatchObject({
    code: "LOCK_BUSY",
    details: { owner: expect.stringContaining(`process ${victim.pid}`) as string },
  });
  victim.kill("SIGKILL");
  await once(victim, "exit");
  expect(existsSync(join(dir, "index.json.lock"))).toBe(true);
  const lock = await acquireLock(dir, { wait: 0 });
  await lock.release();
  expect(namesIn(dir)).toEqual(["blobs", "index.json", "oci-layout"]);
});
