import { setTimeout as sleep } from "node:timers/promises";
import { watchCalls } from "../crash/harness/fs-calls.mjs";

/* Loaded with --import: lets a process dawdle before its calls to the file system, so that races come out otherwise each time. */

watchCalls({
  before(call) {
    return call.isWrite && Math.random() < 0.5 ? sleep(Math.random() * 3) : undefined;
  },
  after() {},
});
