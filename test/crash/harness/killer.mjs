import { watchCalls } from "./fs-calls.mjs";

/*
 * Loaded with --import. OCILOT_KILL is `<mode>:<n>`: this process kills itself `before` or `after` its nth write to the
 * file system, or after `half` of it. Without it the writes are only counted.
 */

const [mode, at] = (process.env["OCILOT_KILL"] ?? "never:0").split(":");
let count = 0;
let halves = [];

/** How many writes an operation makes, and which of them can be cut in half. */
globalThis.ocilotWatch = {
  begin() {
    [count, halves] = [0, []];
  },
  end: () => ({ count, halves }),
};

function die() {
  process.kill(process.pid, "SIGKILL");
  for (;;);
}

watchCalls({
  before(call) {
    if (!call.isWrite) return undefined;
    call.step = ++count;
    if (call.half !== undefined) halves.push(count);
    if (call.step !== Number(at) || mode === "after") return undefined;
    if (mode === "half" && call.half !== undefined) return call.half().then(die);
    return die();
  },
  after(call) {
    if (call.step === Number(at)) die();
  },
});
