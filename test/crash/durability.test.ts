import { rmSync } from "node:fs";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { expect, test } from "vitest";
import { runWorker } from "./harness/run-worker.js";
import { SCRIPTS } from "./harness/scripts.js";
import { stagesOf } from "./harness/stages.js";
import { copyOf, tempRoot } from "./harness/temp.js";

const root = tempRoot();

test.each(SCRIPTS)("$name: all is on the disk before success is reported", { timeout: 120_000 }, async (script) => {
  for (const { dir, operation } of await stagesOf(script, root)) {
    const copy = copyOf(dir, root);
    const lines = await runWorker("worker.mjs", [copy, JSON.stringify([operation])], { preload: "sync-witness.mjs" });
    expect(lines.filter((l) => l.startsWith("unsynced"))).toEqual([]);
    rmSync(copy, { recursive: true });
  }
});

test("a new directory for blobs is made durable, too", async () => {
  const dir = join(root, "bare");
  await Layout.create(dir);
  rmSync(join(dir, "blobs"), { recursive: true });
  const subject = `sha256:${"1".repeat(64)}`;
  const operation = { op: "attach", subject, artifactType: "application/vnd.example", text: "x", size: 5 };
  const lines = await runWorker("worker.mjs", [dir, JSON.stringify([operation])], { preload: "sync-witness.mjs" });
  expect(lines.filter((l) => l.startsWith("unsynced"))).toEqual([]);
});
