import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "rolldown";
import { beforeAll } from "vitest";
import { tempRoot } from "./temp.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const bundles = tempRoot();

/**
 * Bundles the workers with the built packages: to load their modules one by one takes longer than what a worker does.
 */
beforeAll(async () => {
  await build({
    input: readdirSync(HERE)
      .filter((name) => name.endsWith("worker.mjs"))
      .map((name) => join(HERE, name)),
    platform: "node",
    plugins: [
      {
        name: "one module of calls",
        // What it counts is the state of one module, also where a preload loads it.
        resolveId: (id) =>
          id === "./fs-calls.mjs" ? { id: pathToFileURL(join(HERE, id)).href, external: "absolute" as const } : undefined,
      },
    ],
    output: { dir: bundles, entryFileNames: "[name].mjs" },
    logLevel: "warn",
  });
});

/** What a worker said, line by line, and how it ended. */
export interface WorkerEnd {
  readonly lines: readonly string[];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
}

/** A worker that runs. */
export interface Worker {
  readonly child: ChildProcess;
  /** Resolves once the worker has said a line that begins so; rejects if it ends without. */
  said(start: string): Promise<string>;
  tell(line: string): void;
  readonly end: Promise<WorkerEnd>;
}

export interface WorkerOptions {
  /** A script of this directory, or a URL, that is loaded first. */
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a worker of this directory, or a script at a URL, as a process of its own. */
export function startWorker(script: string, args: readonly string[], options: WorkerOptions = {}): Worker {
  const preload = options.preload === undefined ? [] : ["--import", new URL(options.preload, import.meta.url).href];
  const path = basename(script) === script ? join(bundles, script) : fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...preload, path, ...args], {
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const lines: string[] = [];
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  child.stdin.on("error", () => undefined);
  const reader = createInterface({ input: child.stdout });
  const waiting = new Map<string, (line: string) => void>();
  reader.on("line", (line) => {
    lines.push(line);
    for (const [start, tell] of waiting) if (line.startsWith(start)) tell(line);
  });
  const end = Promise.all([once(child, "exit"), once(reader, "close")]).then(([[code, signal]]): WorkerEnd => ({
    lines,
    code,
    signal,
    errors,
  }));
  return {
    child,
    end,
    tell: (line) => void child.stdin.write(`${line}\n`),
    async said(start) {
      const known = lines.findLast((l) => l.startsWith(start));
      if (known !== undefined) return known;
      return await new Promise((resolve, reject) => {
        waiting.set(start, (line) => {
          waiting.delete(start);
          resolve(line);
        });
        void end.then((e) => reject(new Error(`the worker ended without saying ${start}: ${e.errors}`)));
      });
    },
  };
}

/** Runs a worker to its end; anything but a good one is an error. */
export async function runWorker(script: string, args: readonly string[], options: WorkerOptions = {}): Promise<readonly string[]> {
  const worker = startWorker(script, args, options);
  const { code, signal, lines, errors } = await worker.end;
  if (code === 0) return lines;
  throw new Error(`${script} ended with ${code ?? signal}: ${errors}`);
}

/** Runs jobs, at most `width` at once. */
export async function inParallel<T>(items: readonly T[], width: number, job: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await job(item);
    }),
  );
}
