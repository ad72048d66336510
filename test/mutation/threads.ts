import { isMainThread } from "node:worker_threads";

// The mutation runner starts tests in worker threads, where the file mode mask of the process can be read and not set. Tests that set it
// run unchanged in the ordinary suite; here they run with the mask as it is.
if (!isMainThread) {
  const mask = process.umask();
  process.umask = () => mask;
}
