import { appendFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/* For each directory that it is told on its input: takes the lock there, leaves its marks in the log, lets it go. */

const { acquireLock } = await import(new URL("directory/lock.js", import.meta.resolve("@ocilot/layout")).href);

writeSync(1, "ready\n");
for await (const dir of createInterface({ input: process.stdin })) {
  const lock = await acquireLock(dir, { wait: 300_000 });
  // One append each, so that the order in the log is the order in which it happened.
  appendFileSync(`${dir}.log`, `enter ${process.pid}\n`);
  await sleep(Math.random() * 2);
  await lock.assertHeld();
  appendFileSync(`${dir}.log`, `leave ${process.pid}\n`);
  await lock.release();
  writeSync(1, `let go ${dir}\n`);
}
