import { setMaxListeners } from "node:events";
import { runCli } from "./cli.js";
import type { Io } from "./io.js";

/** Runs the command line of this process and sets its exit code. */
export async function main(): Promise<void> {
  const { stdout, env } = process;
  const io: Io = {
    stdout,
    // Node opens these two when they are first looked at, which takes it a few milliseconds; few commands need them.
    get stderr() {
      const { stderr } = process;
      if (stderr.listenerCount("error", ignore) === 0) stderr.on("error", ignore);
      return stderr;
    },
    get stdin() {
      return process.stdin;
    },
    isTTY: stdout.isTTY === true,
    env,
  };
  const abort = new AbortController();
  // Every request that runs at the same time listens to it; Node would warn of a leak.
  setMaxListeners(0, abort.signal);
  // A second signal finds no handler and ends the process at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => abort.abort(new Error(signal)));
  stdout.on("error", (error) => abort.abort(error));
  process.exitCode = await runCli(process.argv.slice(2), { io, signal: abort.signal });
}

/** There is nowhere left to report that standard error is closed. */
function ignore(): void {}
