import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Layout } from "@ocilot/layout";
import { collectGarbage, convert, detach, edgeKey, openView, readGraph, repairLayout } from "@ocilot/referrers";
import { beforeAll, describe, expect, test } from "vitest";
import { checkCrashed, checkWithOras } from "./harness/check-crash.js";
import { inParallel, runWorker, startWorker } from "./harness/run-worker.js";
import { SCRIPTS } from "./harness/scripts.js";
import { type Stage, killsOf, stagesOf } from "./harness/stages.js";
import { stateOf } from "./harness/state.js";
import { LONG, copyOf, tempRoot } from "./harness/temp.js";

const BOUNDARY_SHARE = LONG ? 1 : 16;
const RANDOM_KILLS = LONG ? 200 : 20;
const ORAS_EVERY = 10;
const WIDTH = 3;

const root = tempRoot();
const stages: Stage[] = [];

beforeAll(async () => {
  await inParallel(SCRIPTS, WIDTH, async (script) => void stages.push(...(await stagesOf(script, root))));
});

/** Runs an operation that kills itself; fails if it does not. */
async function runKilled(dir: string, stage: Stage, kill: string): Promise<void> {
  const args = [dir, JSON.stringify([stage.operation])];
  const { signal, lines, errors } = await startWorker("worker.mjs", args, { preload: "killer.mjs", env: { OCILOT_KILL: kill } }).end;
  expect({ signal, lines, errors }).toEqual({ signal: "SIGKILL", lines: ["ready"], errors: "" });
}

async function checkKilled(dir: string, stage: Stage, number: number): Promise<void> {
  await checkCrashed(dir, stage);
  if (number % ORAS_EVERY === 0) await checkWithOras(dir);
  if (number % ORAS_EVERY === 1) await checkRepeated(dir, stage);
  rmSync(dir, { recursive: true });
}

/** Whatever else is done to a layout between the steps of a detach, the referrer stays gone. Tells whether it was between them. */
async function checkDetached(dir: string, { operation, after }: Stage): Promise<boolean> {
  if (operation.op !== "detach") throw new Error("not a detach");
  const { annotations } = await (await Layout.open(dir)).index.read();
  if (annotations["io.ocilot.detached"] === undefined) return false;
  const ends = {
    again: async (layout: Layout) => void (await detach(layout, operation.digest, { recursive: true })),
    gc: async (layout: Layout) => void (await collectGarbage(layout)),
    convert: async (layout: Layout) => {
      await convert(layout, { to: "universal", scan: true });
      await collectGarbage(layout);
    },
    repair: async (layout: Layout) => {
      await repairLayout(layout);
      await collectGarbage(layout);
    },
  };
  for (const [name, finish] of Object.entries(ends)) {
    const copy = copyOf(dir, root);
    const layout = await Layout.open(copy, { sync: false });
    await finish(layout);
    const graph = await readGraph(await openView(layout, { scan: true }));
    expect({ name, edges: graph.edges().map(edgeKey) }).toEqual({ name, edges: after.edges });
    expect((await layout.index.read()).annotations["io.ocilot.detached"]).toBeUndefined();
    expect({ name, has: await layout.blobs.has(operation.digest) }).toEqual({ name, has: false });
    rmSync(copy, { recursive: true });
  }
  return true;
}

/** What was cut short can be done again. */
async function checkRepeated(dir: string, { operation, after }: Stage): Promise<void> {
  if (operation.op === "detach" || operation.op === "untag") return;
  await runWorker("worker.mjs", [dir, JSON.stringify([operation])]);
  await checkWithOras(dir);
  expect((await stateOf(dir)).edges).toEqual(after.edges);
}

describe("a writer that is killed", () => {
  test("at any write to the file system leaves the old layout or the new one", { timeout: 1_800_000 }, async () => {
    const all = stages.flatMap((stage) => stage.kills.map((kill) => ({ stage, kill })));
    const kills = all.filter((_, i) => i % BOUNDARY_SHARE === 0);
    let number = 0;
    await inParallel(kills, WIDTH, async ({ stage, kill }) => {
      const dir = copyOf(stage.dir, root);
      const action = runKilled(dir, stage, kill).then(() => checkKilled(dir, stage, number++));
      await expect(action, `${stage.script}, ${JSON.stringify(stage.operation)}, killed ${kill}`).resolves.toBeUndefined();
    });
    expect(kills.length).toBeGreaterThanOrEqual(LONG ? 1000 : 70);
  });

  test("a killed detach never brings its referrer back, and a second run or gc finishes it", { timeout: 1_800_000 }, async () => {
    const detaches = stages.filter((s) => s.operation.op === "detach");
    const kills = detaches.flatMap((stage) => stage.kills.map((kill) => ({ stage, kill }))).filter((_, i) => LONG || i % 4 === 0);
    let between = 0;
    await inParallel(kills, WIDTH, async ({ stage, kill }) => {
      const dir = copyOf(stage.dir, root);
      await runKilled(dir, stage, kill);
      const action = checkDetached(dir, stage).then((was) => void (between += Number(was)));
      await expect(action, `${JSON.stringify(stage.operation)}, killed ${kill}`).resolves.toBeUndefined();
      rmSync(dir, { recursive: true });
    });
    expect(between).toBeGreaterThan(0);
  });

  test("and the one after it, while it takes the dead one's lock over", { timeout: 1_800_000 }, async () => {
    const stage = stages.find((s) => s.operation.op === "attach" && s.script === "oras")!;
    const inside = stage.kills.filter((k) => k.startsWith("after")).at(12)!;
    const crashed = copyOf(stage.dir, root);
    await runKilled(crashed, stage, inside);
    const all = await killsOf(crashed, stage.operation);
    const kills = all.filter((_, i) => LONG || i % 8 === 0);
    let number = 0;
    await inParallel(kills, WIDTH, async (kill) => {
      const dir = copyOf(crashed, root);
      await runKilled(dir, stage, kill);
      await expect(checkKilled(dir, stage, number++), `killed ${kill}`).resolves.toBeUndefined();
    });
  });

  test("at any time leaves the old layout or the new one", { timeout: 1_800_000 }, async () => {
    const scripts = SCRIPTS.map((s) => stages.filter((stage) => stage.script === s.name));
    const kills = Array.from({ length: RANDOM_KILLS }, (_, i) => scripts[i % scripts.length]!);
    let number = 0;
    await inParallel(kills, WIDTH, async (of) => {
      const dir = copyOf(of[0]!.dir, root);
      const worker = startWorker("worker.mjs", [dir, JSON.stringify(of.map((s) => s.operation))], { preload: "killer.mjs" });
      await worker.said("ready");
      await sleep(Math.random() * of.length * 25);
      worker.child.kill("SIGKILL");
      const { lines, errors } = await worker.end;
      const done = lines.filter((l) => l.startsWith("done")).length;
      expect(errors).toBe("");
      await expect(
        checkKilled(dir, of[Math.min(done, of.length - 1)]!, number++),
        `${of[0]!.script} after ${done}`,
      ).resolves.toBeUndefined();
    });
  });
});
