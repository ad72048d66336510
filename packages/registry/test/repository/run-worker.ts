import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const source = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Bundles `repository-worker.ts` with the sources as they are now, into a directory that has to be removed. */
export async function bundleWorker(): Promise<{ script: string; directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), "ocilot-worker-"));
  const script = join(directory, "repository-worker.mjs");
  await build({
    input: fileURLToPath(new URL("repository-worker.ts", import.meta.url)),
    platform: "node",
    transform: { target: "node20.19" },
    resolve: {
      alias: {
        "@ocilot/layout/spec": source("layout/src/spec/index.ts"),
        "@ocilot/layout": source("layout/src/index.ts"),
        "@ocilot/referrers": source("referrers/src/index.ts"),
        "@ocilot/registry": source("registry/src/index.ts"),
      },
    },
    output: { file: script, format: "esm", codeSplitting: false },
    logLevel: "silent",
  });
  return { script, directory };
}

/** Starts the worker. */
export function startWorker(script: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs the worker to its end and returns its exit code, what it said, and its errors. */
export async function runWorker(script: string, ...args: string[]): Promise<{ code: number | null; lines: string[]; errors: string }> {
  const worker = startWorker(script, ...args);
  const [said, errors, [code]] = await Promise.all([text(worker.stdout!), text(worker.stderr!), once(worker, "exit")]);
  return { code: code as number | null, lines: said.split("\n").filter((line) => line !== ""), errors };
}

/** Attaches from several processes that all begin at the same time; returns the digests that they said were attached. */
export async function attachFromMany(script: string, reference: string, processes: number, each: number): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), "ocilot-gate-"));
  const gate = join(directory, "gate");
  try {
    const runs = Array.from(
      { length: processes },
      async (_, i) => await runWorker(script, "attachSome", reference, gate, `p${i}`, String(each)),
    );
    setTimeout(() => writeFileSync(gate, ""), 1500);
    const done = await Promise.all(runs);
    const failed = done.filter((d) => d.code !== 0);
    if (failed.length > 0) throw new Error(`${failed.length} of ${processes} processes failed:\n${failed.map((d) => d.errors).join("\n")}`);
    return done.flatMap((d) => d.lines);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
