import { mkdirSync, readFileSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hostId } from "../../packages/layout/src/filesystem/temp-file.js";
import { startWorker } from "../crash/harness/run-worker.js";
import { LONG, tempRoot } from "../crash/harness/temp.js";

const PROCESSES = 16;
const ROUNDS = LONG ? 200 : 20;
/** Larger than any pid the kernel gives out, so that no process has it. */
const DEAD_PID = 2 ** 22 + 12_345;
const LOCK = ".ocilot-lock";

const root = tempRoot();

/** What a crash may leave: a dead owner, a dead owner with a dead successor, an owner on a host that is gone. */
const LEFTOVERS: readonly ((dir: string) => void)[] = [
  (dir) => plant(dir, LOCK, hostId(), "aa"),
  (dir) => {
    plant(dir, LOCK, hostId(), "aa");
    plant(dir, `${LOCK}.after-aa`, hostId(), "bb");
  },
  (dir) => {
    plant(dir, LOCK, "host-that-is-gone", "aa");
    utimesSync(join(dir, LOCK), 1, 1);
  },
];

function plant(dir: string, name: string, host: string, nonce: string): void {
  writeFileSync(join(dir, name), JSON.stringify({ host, pid: DEAD_PID, nonce }));
}

test("of 16 processes that take one stale lock over, no two ever hold it at once", { timeout: 1_800_000 }, async () => {
  const workers = Array.from({ length: PROCESSES }, () =>
    startWorker("../../concurrency/lock-worker.mjs", [], { preload: "../../concurrency/jitter.mjs" }),
  );
  await Promise.all(workers.map(async (w) => await w.said("ready")));
  for (let round = 0; round < ROUNDS; round++) {
    const dir = join(root, String(round));
    mkdirSync(dir);
    LEFTOVERS[round % LEFTOVERS.length]!(dir);
    for (const worker of workers) worker.tell(dir);
    await Promise.all(workers.map(async (w) => await w.said(`let go ${dir}`)));
    const log = readFileSync(`${dir}.log`, "utf8").trim().split("\n");
    const stays = log.flatMap((line, i) => (line.startsWith("enter") ? [[line, log[i + 1]]] : []));
    expect(stays).toHaveLength(PROCESSES);
    for (const [enter, leave] of stays) expect(leave).toBe(enter!.replace("enter", "leave"));
    expect(readdirSync(dir)).toEqual([]);
  }
  for (const worker of workers) worker.child.stdin?.end();
  for (const worker of workers) expect(await worker.end).toMatchObject({ code: 0, errors: "" });
});
