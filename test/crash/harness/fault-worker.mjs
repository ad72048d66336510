import { cpSync, readFileSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { watchCalls } from "./fs-calls.mjs";
import { runOperation } from "./operations.mjs";

/*
 * <directory for copies> <errno> <share> <JSON: { stage, dir, operation }[]>: lets one file-system call after another
 * fail, each in a fresh copy of `dir`, and says what became of it, a line of JSON each. Of `share` calls one is tried.
 */

const NUMBERS = { ENOSPC: -28, EIO: -5, EMFILE: -24, EACCES: -13 };
const [root, errno, share, stages] = process.argv.slice(2);
// Where not all are tried, each errno gets its own share.
let turn = Object.keys(NUMBERS).indexOf(errno);

function fault(call) {
  const error = new Error(`${errno}: made to fail, ${call.name} '${call.path}'`);
  return Object.assign(error, { errno: NUMBERS[errno], code: errno, syscall: call.name.replace("handle.", ""), path: call.path });
}

/** A close that fails leaves the file open, which is this test's own doing. */
function isOurs(call, dir) {
  return String(call.path).startsWith(dir) && !call.name.endsWith("close");
}

/** Fails the nth call below `dir`; tells which one it was. */
function failAt(dir, n) {
  let count = 0;
  const failed = { call: undefined };
  watchCalls({
    before(call) {
      if (!isOurs(call, dir) || ++count !== n) return;
      failed.call = call;
      throw fault(call);
    },
    after() {},
  });
  return failed;
}

async function errorOf(action) {
  try {
    await action();
    return undefined;
  } catch (error) {
    const { name, code, message, hint, details, stack } = error;
    return { name, code, message, hint, details, ...(name !== "OcilotError" && { stack }) };
  }
}

async function tryCall({ stage, dir: source, operation }, dir, n) {
  cpSync(source, dir, { recursive: true });
  const failed = failAt(dir, n);
  const error = await errorOf(async () => await runOperation(await Layout.open(dir), operation));
  watchCalls(undefined);
  if (failed.call === undefined) return undefined;
  const text = readFileSync(join(dir, "index.json"), "utf8");
  const names = readdirSync(dir);
  const next = await errorOf(async () => {
    const layout = await Layout.open(dir, { sync: false });
    const [entry] = (await layout.index.read()).entries;
    await layout.tag(entry.descriptor, "after-the-fault", { wait: 0 });
  });
  const namesAfter = readdirSync(dir);
  const { name, path } = failed.call;
  return { stage, n, call: { name, path: path.slice(dir.length + 1) }, error, text, names, next, namesAfter };
}

/** How many calls below `dir` an operation makes when nothing fails. */
async function countCalls({ dir: source, operation }, dir) {
  cpSync(source, dir, { recursive: true });
  let count = 0;
  watchCalls({ before: (call) => void (isOurs(call, dir) && count++), after() {} });
  await runOperation(await Layout.open(dir), operation);
  watchCalls(undefined);
  return count;
}

for (const stage of JSON.parse(stages)) {
  const calls = await countCalls(stage, join(root, `${errno}-${stage.stage}-0`));
  for (let n = 1; n <= calls; n++) {
    if (turn++ % Number(share) !== 0) continue;
    const dir = join(root, `${errno}-${stage.stage}-${n}`);
    const outcome = await tryCall(stage, dir, n);
    if (outcome !== undefined) writeSync(1, `${JSON.stringify(outcome)}\n`);
    rmSync(dir, { recursive: true });
  }
}
