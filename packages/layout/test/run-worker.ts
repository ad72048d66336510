import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

/** Bundles a script of this directory with the sources as they are now, so that child processes need no build of dist. */
export async function bundleWorker(name: string, outdir: string): Promise<string> {
  const outfile = join(outdir, `${name}.cjs`);
  const entry = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  await build({
    input: entry,
    platform: "node",
    transform: { target: "node20.19" },
    output: { file: outfile, format: "cjs", codeSplitting: false },
    logLevel: "silent",
  });
  return outfile;
}

/** Starts a bundled worker; its errors go to the test's own output. */
export function startWorker(script: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Runs `count` workers at once and waits until all have ended; returns their exit codes. */
export async function runWorkers(count: number, script: string, ...args: string[]): Promise<(number | null)[]> {
  const workers = Array.from({ length: count }, () => startWorker(script, ...args));
  return await Promise.all(workers.map(async (w) => (await once(w, "exit"))[0] as number | null));
}
