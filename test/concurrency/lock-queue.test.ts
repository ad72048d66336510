import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { expect, test } from "vitest";
import { acquireLock } from "../../packages/layout/src/directory/lock.js";
import { LockQueue } from "../../packages/layout/src/directory/lock-queue.js";
import { hostTag } from "../../packages/layout/src/filesystem/temp-file.js";
import { makeLayout } from "../crash/harness/made-layout.js";
import { tempRoot } from "../crash/harness/temp.js";

/** Larger than any pid the kernel gives out, so that no process has it. */
const DEAD_PID = 2 ** 22 + 12_345;

const root = tempRoot();

function directory(name: string): string {
  const dir = join(root, name);
  mkdirSync(dir);
  return dir;
}

function plant(dir: string, pid: number): string {
  const ticket = join(dir, `.ocilot-wait-${hostTag()}-${pid}-000000000001abcdef`);
  writeFileSync(ticket, "");
  return ticket;
}

test("those who wait are served in the order of coming", async () => {
  const dir = directory("order");
  const holder = await acquireLock(dir, { wait: 0 });
  const served: number[] = [];
  const waiting: Promise<void>[] = [];
  for (let n = 0; n < 10; n++) {
    waiting.push(
      acquireLock(dir, { wait: 50_000 }).then(async (lock) => {
        served.push(n);
        await lock.release();
      }),
    );
    while (readdirSync(dir).filter((name) => name.startsWith(".ocilot-wait-")).length <= n) await new Promise(setImmediate);
  }
  await holder.release();
  await Promise.all(waiting);
  expect(served).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(readdirSync(dir)).toEqual([]);
});

test("the ticket of a dead process or of a suspended one holds nobody up", async () => {
  const dir = directory("gone");
  const queue = new LockQueue(dir);
  plant(dir, DEAD_PID);
  expect(await queue.ahead()).toBe(0);
  const ticket = plant(dir, process.pid);
  expect(await queue.ahead()).toBeGreaterThan(0);
  utimesSync(ticket, 1, 1);
  expect(await queue.ahead()).toBe(0);
});

test("who does not want to wait does not line up, and tries all the same", async () => {
  const dir = directory("now");
  plant(dir, process.pid);
  const lock = await acquireLock(dir, { wait: 0 });
  await expect(acquireLock(dir, { wait: 0 })).rejects.toMatchObject({ code: "LOCK_BUSY" });
  await lock.release();
});

test("the ticket of a dead process is swept by the next write", async () => {
  const dir = join(root, "swept");
  const image = await makeLayout(dir);
  plant(dir, DEAD_PID);
  await (await Layout.open(dir)).tag(image, "v2", { wait: 0 });
  expect(readdirSync(dir).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
});
