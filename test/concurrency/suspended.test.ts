import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { acquireLock } from "../../packages/layout/src/directory/lock.js";
import { makeLayout } from "../crash/harness/made-layout.js";
import { startWorker } from "../crash/harness/run-worker.js";
import { tempRoot } from "../crash/harness/temp.js";

const root = tempRoot();

describe("a writer that is suspended while another host takes its lock over", () => {
  test.each([
    { name: "and holds it still", releases: false },
    { name: "and has let it go", releases: true },
  ])("$name: notices, and replaces nothing", async ({ releases }) => {
    const dir = join(root, String(releases));
    const image = await makeLayout(dir);
    const before = readFileSync(join(dir, "index.json"), "utf8");
    const operation = { op: "attach", subject: image.digest, artifactType: "application/vnd.example" };
    const worker = startWorker("worker.mjs", [dir, JSON.stringify([operation])], { preload: "../../concurrency/pauser.mjs" });
    await worker.said("pausing");
    const lock = await acquireLock(dir, { wait: 50_000, host: "another-host", stale: 50 });
    if (releases) await lock.release();
    worker.child.kill("SIGCONT");
    const { code, errors } = await worker.end;
    expect(code).toBe(1);
    expect(errors).toContain("LOCK_LOST");
    expect(readFileSync(join(dir, "index.json"), "utf8")).toBe(before);
    if (!releases) await lock.assertHeld();
    await lock.release();
    expect(readdirSync(dir).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });
});
