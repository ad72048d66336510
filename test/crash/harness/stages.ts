import { join } from "node:path";
import type { Operation } from "./operation.js";
import { runWorker } from "./run-worker.js";
import type { Script } from "./scripts.js";
import { type State, stateOf } from "./state.js";

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
  const dir = join(root, script.name.replaceAll(" ", "-"));
  await script.prepare(dir);
  const done = await runScript(dir, script.operations, "killer.mjs");
  const states = [await stateOf(dir)];
  for (let i = 1; i <= done.length; i++) states.push(await stateOf(`${dir}.${i}`));
  return done.map(({ watched, operation }, i) => ({
    script: script.name,
    operation,
    dir: i === 0 ? dir : `${dir}.${i}`,
    before: states[i]!,
    after: states[i + 1]!,
    kills: killsAt(watched as Steps),
  }));
}

/** Every way to kill an operation on the layout in `dir` at a write to the file system. */
export async function killsOf(dir: string, operation: Operation): Promise<string[]> {
  const [done] = await runScript(dir, [operation], "killer.mjs");
  return killsAt(done!.watched as Steps);
}

/** Carries out operations, each in a copy of the layout; `watched` is what the preload has to say of each. */
export async function runScript(
  dir: string,
  operations: readonly Operation[],
  preload: string,
): Promise<{ operation: Operation; watched: unknown }[]> {
  const lines = await runWorker("script-worker.mjs", [dir, JSON.stringify(operations)], { preload });
  return lines.map((line) => {
    const [, watched, operation] = /^done (.*) (\{"op":.*)$/.exec(line)!;
    return { operation: JSON.parse(operation!) as Operation, watched: JSON.parse(watched!) };
  });
}

interface Steps {
  readonly count: number;
  readonly halves: readonly number[];
}

function killsAt({ count, halves }: Steps): string[] {
  const each = Array.from({ length: count }, (_, i) => [`before:${i + 1}`, `after:${i + 1}`]);
  return [...each.flat(), ...halves.map((n) => `half:${n}`)];
}
