// Runs a program once and measures the whole process.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** The shell reports the processor time of what it ran, all threads and children included; Node reports that of no child. */
const SCRIPT = 'exec 4>&2; TIMEFORMAT="%3U %3S"; { time "$@" 2>&4 3>&- 4>&-; } 2>&3';

/**
 * Runs `command` and returns its status, `ms`, processor time in seconds (`user`, `sys`), peak memory in MB (0 where the system does not
 * tell) and what it printed. A program that takes more than `limit` ms is ended.
 */
export async function measure(command, { cwd, env, output = "ignore", limit = 30_000 } = {}) {
  const started = process.hrtime.bigint();
  const child = spawn("bash", ["-c", SCRIPT, "bash", ...command], {
    cwd,
    env: { ...process.env, ...env, LC_ALL: "C" },
    stdio: ["ignore", output === "text" ? "pipe" : "ignore", "pipe", "pipe"],
    // A group of its own, so that the program ends with the shell.
    detached: true,
  });
  const [out, err, times] = [[], [], []];
  child.stdout?.on("data", (chunk) => out.push(chunk));
  child.stderr.on("data", (chunk) => err.push(chunk));
  child.stdio[3].on("data", (chunk) => times.push(chunk));
  let peak = 0;
  let isLate = false;
  const bound = setTimeout(() => {
    isLate = true;
    process.kill(-child.pid, "SIGKILL");
  }, limit);
  // The kernel keeps the high-water mark, so looking now and then misses nothing but the very end.
  const watch = setInterval(() => (peak = Math.max(peak, highWater(child.pid))), 4);
  const status = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(watch);
  clearTimeout(bound);
  if (isLate) throw new Error(`over ${limit / 1000} s`);
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  const [user, sys] = Buffer.concat(times).toString("utf8").trim().split(" ").map(Number);
  // Of a shell line it would be the memory of the shell.
  if (command[0] === "sh") peak = 0;
  return { status, ms, user, sys, peak, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") };
}

/** The peak memory of the only child of the shell. */
function highWater(shell) {
  try {
    const [pid] = readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").split(" ");
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
