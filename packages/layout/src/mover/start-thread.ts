import { Worker } from "node:worker_threads";

/**
 * Starts a thread that does not keep the process alive. Returns undefined if this process may not start another one.
 * @param script its code as text, because the command line is one bundle without further files
 */
export function startThread(script: string, workerData?: object): Worker | undefined {
  try {
    // Options of the process (a preload, a profiler) are of no use to the thread.
    const worker = new Worker(script, { eval: true, execArgv: [], workerData });
    worker.unref();
    return worker;
  } catch {
    return undefined;
  }
}
