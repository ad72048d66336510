// Runs a command as a whole process and takes its wall time and its peak memory.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** Milliseconds and the largest resident size in MB (0 where the system does not tell). A program that takes more than `limit` is ended. */
export async function measure(command, { cwd, env, output = "ignore", limit = 30_000 } = {}) {
  const [program, ...args] = command;
  const started = process.hrtime.bigint();
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", output === "text" ? "pipe" : "ignore", "pipe"],
  });
  const out = [];
  const err = [];
  child.stdout?.on("data", (chunk) => out.push(chunk));
  child.stderr.on("data", (chunk) => err.push(chunk));
  let peak = 0;
  let isLate = false;
  const bound = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
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
  // Of a shell line it would be the memory of the shell.
  if (program === "sh") peak = 0;
  return { status, ms, peak, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") };
}

function highWater(pid) {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
