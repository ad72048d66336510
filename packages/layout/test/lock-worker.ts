import { appendFileSync, existsSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Layout } from "../src/directory-layout.js";
import { acquireLock } from "../src/directory/lock.js";

// Run as a child process by lock-processes.test.ts: <mode> <directory> <log> <rounds> <gate>
const [mode, dir = "", log = "", rounds = "1", gate = "/"] = process.argv.slice(2);

async function contend(): Promise<void> {
  for (let round = 0; round < Number(rounds); round++) {
    const lock = await acquireLock(dir, { wait: 50_000 });
    // One append each, so that the order in the log is the order in which it happened.
    appendFileSync(log, `enter ${process.pid}\n`);
    await sleep(Math.random() * 3);
    await lock.assertHeld();
    appendFileSync(log, `exit ${process.pid}\n`);
    await lock.release();
  }
}

async function hold(): Promise<void> {
  await acquireLock(dir, { wait: 50_000 });
  writeSync(1, "held\n");
  setInterval(() => undefined, 1000);
}

async function update(): Promise<void> {
  const { index } = await Layout.open(dir, { sync: false });
  for (let round = 0; round < Number(rounds); round++) {
    await index.update(() => [{ op: "annotate-index", set: { [`${process.pid}-${round}`]: "x" } }]);
  }
}

async function main(): Promise<void> {
  // All workers are started before any of them begins, or the first would be done before the last is up.
  while (!existsSync(gate)) await sleep(1);
  await { contend, hold, update }[mode as "contend" | "hold" | "update"]();
}

void main();
