import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/*
 * Not a test: shows why ocilot has a lock of its own. Lets processes race for a stale lock of npm's proper-lockfile, as
 * lock-race.test.ts does with ours, and counts the rounds in which two held it at once.
 *
 *   npm install --prefix DIR proper-lockfile@4.1.2
 *   node measure-proper-lockfile.mjs DIR [rounds] [processes] [jitter]
 */

const [dir, rounds = "200", processes = "16", mode = "plain"] = process.argv.slice(2);
const self = fileURLToPath(import.meta.url);

async function work() {
  const { lock } = createRequire(resolve(dir, "package.json"))("proper-lockfile");
  process.stdout.write("ready\n");
  for await (const file of createInterface({ input: process.stdin })) {
    let fate = "released";
    try {
      const release = await lock(file, {
        stale: 2000,
        realpath: false,
        retries: { retries: 1000, minTimeout: 5, maxTimeout: 20 },
        onCompromised: () => (fate = "compromised"),
      });
      appendFileSync(`${file}.log`, `enter ${process.pid}\n`);
      await sleep(Math.random() * 4);
      appendFileSync(`${file}.log`, `leave ${process.pid}\n`);
      await release();
    } catch (error) {
      fate = error.code;
    }
    process.stdout.write(`${fate} ${file}\n`);
  }
}

function overlaps(log) {
  const inside = new Set();
  let most = 0;
  for (const line of log.trim().split("\n")) {
    const [what, pid] = line.split(" ");
    if (what === "enter") inside.add(pid);
    else inside.delete(pid);
    most = Math.max(most, inside.size);
  }
  return most;
}

async function measure() {
  const root = mkdtempSync(join(tmpdir(), "proper-lockfile-"));
  const preload = mode === "jitter" ? ["--import", new URL("jitter.mjs", import.meta.url).href] : [];
  const workers = Array.from({ length: Number(processes) }, () => {
    const child = spawn(process.execPath, [...preload, self, dir, "work"], { stdio: ["pipe", "pipe", "inherit"] });
    return { child, lines: createInterface({ input: child.stdout }) };
  });
  await Promise.all(workers.map(({ lines }) => once(lines, "line")));
  const fates = {};
  let broken = 0;
  let most = 0;
  for (let round = 0; round < Number(rounds); round++) {
    const file = join(root, String(round));
    writeFileSync(file, "");
    mkdirSync(`${file}.lock`);
    utimesSync(`${file}.lock`, 1, 1);
    const answers = workers.map(async ({ lines }) => (await once(lines, "line"))[0].split(" ")[0]);
    for (const { child } of workers) child.stdin.write(`${file}\n`);
    for (const fate of await Promise.all(answers)) fates[fate] = (fates[fate] ?? 0) + 1;
    const held = overlaps(readFileSync(`${file}.log`, "utf8"));
    most = Math.max(most, held);
    if (held > 1) broken++;
  }
  for (const { child } of workers) child.stdin.end();
  rmSync(root, { recursive: true });
  process.stdout.write(
    `${JSON.stringify({ mode, processes: Number(processes), rounds: Number(rounds), heldByTwo: broken, mostAtOnce: most, fates })}\n`,
  );
}

await (rounds === "work" ? work() : measure());
