import { join } from "node:path";
import type { Digest } from "@ocilot/layout";
import type { Operation } from "./operation.js";
import { runWorker } from "./run-worker.js";
import type { Script } from "./scripts.js";
import { type State, stateOf } from "./state.js";
import { copyOf } from "./temp.js";

/** One operation, with the layout as it is before and after it. */
export interface Stage {
  readonly script: string;
  readonly operation: Operation;
  /** A copy of the layout from before; not to be written. */
  readonly dir: string;
  readonly before: State;
  readonly after: State;
  /** Every way to end it at a write to the file system, as `killer.mjs` wants it. */
  readonly kills: readonly string[];
}

/** Runs a script without harm, and keeps the layout from before each operation. */
export async function stagesOf(script: Script, root: string): Promise<Stage[]> {
  const stages: Stage[] = [];
  const done: Digest[] = [];
  let dir = join(root, script.name.replaceAll(" ", "-"));
  await script.prepare(dir);
  let before = await stateOf(dir);
  for (const operationAfter of script.operations) {
    const operation = operationAfter(done);
    const next = copyOf(dir, root);
    const { digest, kills } = await runCounted(next, operation);
    done.push(digest);
    const after = await stateOf(next);
    stages.push({ script: script.name, operation, dir, before, after, kills });
    [dir, before] = [next, after];
  }
  return stages;
}

/** Carries an operation out, and tells at which writes it can be killed. */
export async function runCounted(dir: string, operation: Operation): Promise<{ digest: Digest; kills: string[] }> {
  const said = await runWorker("worker.mjs", [dir, JSON.stringify([operation])], { preload: "killer.mjs" });
  const [, digest, steps, halves] = said.at(-1)!.split(" ");
  return { digest: digest as Digest, kills: killsAt(Number(steps), halves!) };
}

function killsAt(steps: number, halves: string): string[] {
  const each = Array.from({ length: steps }, (_, i) => [`before:${i + 1}`, `after:${i + 1}`]);
  return [...each.flat(), ...halves.split(",").map((n) => `half:${n}`)];
}
