import { beforeAll, describe, expect, test } from "vitest";
import { inParallel, runWorker } from "./harness/run-worker.js";
import { SCRIPTS } from "./harness/scripts.js";
import { type Stage, stagesOf } from "./harness/stages.js";
import { LONG, tempRoot } from "./harness/temp.js";
import { withoutDetached } from "./harness/without-detached.js";

/** What one failed call led to. */
interface Outcome {
  readonly stage: number;
  readonly n: number;
  readonly call: { readonly name: string; readonly path: string };
  readonly error?: Failure;
  readonly text: string;
  readonly names: readonly string[];
  readonly next?: Failure;
  readonly namesAfter: readonly string[];
}

interface Failure {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details: unknown;
}

const FILES = /index\.json|oci-layout|manifest\.json|repositories|blobs\/|\.ocilot-|ocilot-test-/;
const SHARE = LONG ? 1 : 30;
const root = tempRoot();
const stages: Stage[] = [];

beforeAll(async () => {
  await inParallel(SCRIPTS, 2, async (script) => void stages.push(...(await stagesOf(script, root))));
});

describe.each(["ENOSPC", "EIO", "EMFILE", "EACCES"])("a call to the file system that fails with %s", (errno) => {
  test("loses nothing, and the error is clear", async () => {
    let tried = 0;
    const problems: string[] = [];
    await inParallel(SCRIPTS, 2, async ({ name }) => {
      const given = stages.flatMap(({ script, dir, operation }, stage) => (script === name ? [{ stage, dir, operation }] : []));
      const args = [root, errno, String(SHARE), JSON.stringify(given)];
      for (const line of await runWorker("fault-worker.mjs", args, { preload: "fs-calls.mjs" })) {
        const outcome = JSON.parse(line) as Outcome;
        tried++;
        problems.push(...problemsOf(outcome, stages[outcome.stage]!, errno));
      }
    });
    expect(problems).toEqual([]);
    expect(tried).toBeGreaterThan(LONG ? 2000 : 60);
  });
});

function problemsOf({ n, call, error, text, names, next, namesAfter }: Outcome, stage: Stage, errno: string): string[] {
  const { script, operation, before, after } = stage;
  const problems: string[] = [];
  // A fault in the second step of a detach leaves the note of what is still to be deleted; success leaves none.
  if (![before.text, after.text].includes(withoutDetached(text))) problems.push(`another index.json: ${text}`);
  if (error === undefined && text !== after.text) problems.push("success, but nothing was written");
  if (error !== undefined) problems.push(...problemsOfError(error, errno));
  const allowed = new Set([...before.names, call.path, ".ocilot-bundles"]);
  for (const left of names) if (!allowed.has(left) && !isHeldBack(left, call)) problems.push(`${left} is left`);
  if (next !== undefined) problems.push(`the next write fails: ${JSON.stringify(next)}`);
  for (const left of namesAfter) if (!allowed.has(left)) problems.push(`${left} is left by the next write`);
  return problems.map((problem) => `${script}, ${operation.op}, call ${n} (${call.name} ${call.path}): ${problem}`);
}

/** Where the release of the lock is what failed, its files stay until the next write. */
function isHeldBack(left: string, call: Outcome["call"]): boolean {
  return ["index.json.lock", ".ocilot-lock"].includes(left) && call.path.startsWith(".ocilot-lock");
}

function problemsOfError({ name, code, message, hint }: Failure, errno: string): string[] {
  if (name !== "OcilotError") return [`an error without a code: ${name} ${message}`];
  const problems = hint === undefined ? [`${code} has no hint: ${message}`] : [];
  if (!FILES.test(message)) problems.push(`${code} names no file: ${message}`);
  if (!message.includes(errno)) problems.push(`${code} does not say what went wrong: ${message}`);
  return problems;
}
