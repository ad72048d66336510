import { runCli } from "./cli.js";
import type { Io } from "./io.js";

/** Runs the command line of this process and sets its exit code. */
export async function main(): Promise<void> {
  const { stdout, stderr, env } = process;
  const io: Io = {
    stdout,
    stderr,
    // Opening it takes Node a few milliseconds, and few commands read it.
    get stdin() {
      return process.stdin;
    },
    isTTY: stdout.isTTY === true,
    env,
  };
  const abort = new AbortController();
  // A second signal finds no handler and ends the process at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => abort.abort(new Error(signal)));
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    abort.abort(error);
  });
  stderr.on("error", () => undefined);
  process.exitCode = await runCli(process.argv.slice(2), { io, signal: abort.signal });
}
