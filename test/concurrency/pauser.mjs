import { writeSync } from "node:fs";
import { watchCalls } from "../crash/harness/fs-calls.mjs";

/* Loaded with --import: suspends this process once, when it has begun to write the new index.json under the lock. */

let isDone = false;

watchCalls({
  before(call) {
    if (isDone || call.name !== "handle.writeFile") return;
    isDone = true;
    writeSync(1, "pausing\n");
    process.kill(process.pid, "SIGSTOP");
  },
  after() {},
});
