import { rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LONG, copyOf, tempRoot } from "../crash/harness/temp.js";
import { indexText, makeBase } from "./base-layout.js";
import { commands } from "./commands.js";
import { oracleOf } from "./oracle.js";

const root = tempRoot();

test("after any commands the layout holds what a simple model says", { timeout: 1_800_000 }, async () => {
  const base = await makeBase(join(root, "base"));
  for (const text of base.foreign) expect(indexText(base.dir)).toContain(text);
  await fc.assert(
    fc.asyncProperty(commands(25), async (run) => {
      const dir = copyOf(base.dir, root);
      try {
        await fc.asyncModelRun(() => ({ model: oracleOf(base.images, base.tags), real: { ...base, dir, seen: new Set<string>() } }), run);
      } finally {
        rmSync(dir, { recursive: true });
      }
    }),
    { numRuns: LONG ? 300 : 30, interruptAfterTimeLimit: 1_700_000, endOnFailure: false },
  );
});
