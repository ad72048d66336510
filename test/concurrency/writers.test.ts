import { join } from "node:path";
import { type Digest, Layout } from "@ocilot/layout";
import { attach, convert, openView, readGraph } from "@ocilot/referrers";
import { describe, expect, test } from "vitest";
import { acquireLock } from "../../packages/layout/src/directory/lock.js";
import { makeLayout } from "../crash/harness/made-layout.js";
import type { Operation } from "../crash/harness/operation.js";
import { HAS_ORAS, orasReferrers } from "../crash/harness/real-oras.js";
import { runWorker } from "../crash/harness/run-worker.js";
import { stateOf } from "../crash/harness/state.js";
import { LONG, tempRoot } from "../crash/harness/temp.js";

const root = tempRoot();
const ARTIFACT = "application/vnd.example";

function attaches(subject: Digest, by: string, count: number): Operation[] {
  return Array.from({ length: count }, (_, n) => ({ op: "attach", subject, artifactType: ARTIFACT, annotations: { by, n: String(n) } }));
}

/** Runs operations in a process of their own; returns the digests that it reported. */
async function reported(dir: string, operations: readonly Operation[]): Promise<string[]> {
  const lines = await runWorker("worker.mjs", [dir, JSON.stringify(operations)]);
  return lines.filter((l) => l.startsWith("done")).map((l) => l.split(" ")[1]!);
}

async function found(dir: string, subject: Digest): Promise<string[]> {
  const graph = await readGraph(await openView(await Layout.open(dir)));
  return graph.of(subject).map((e) => e.referrer.digest);
}

describe("writers in many processes", () => {
  test("16 attach at once, and nothing is lost", { timeout: 1_800_000 }, async () => {
    const dir = join(root, "attaches");
    const { digest } = await makeLayout(dir);
    const each = LONG ? 100 : 10;
    const all = await Promise.all(Array.from({ length: 16 }, async (_, by) => await reported(dir, attaches(digest, String(by), each))));
    const expected = all.flat().toSorted();
    expect(new Set(expected).size).toBe(16 * each);
    expect(await found(dir, digest)).toEqual(expected);
    if (HAS_ORAS) expect(await orasReferrers(dir, digest)).toEqual(expected);
    expect((await stateOf(dir)).names).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("attach, tag and convert at once, and nothing is lost", { timeout: 1_800_000 }, async () => {
    const dir = join(root, "mixed");
    const { digest } = await makeLayout(dir);
    const each = LONG ? 40 : 4;
    const times = <T>(make: (n: number) => T): T[] => Array.from({ length: each }, (_, n) => make(n));
    const targets = ["oras", "olareg", "universal", "regclient", "containerd"] as const;
    const [first, second] = await Promise.all([
      reported(dir, attaches(digest, "first", each)),
      reported(dir, attaches(digest, "second", each)),
      reported(
        dir,
        times((n): Operation => ({ op: "tag", digest, name: `tag-${n}` })),
      ),
      reported(
        dir,
        times((n): Operation => ({ op: "convert", to: targets[n % targets.length]!, only: n % 3 === 0 })),
      ),
      reported(
        dir,
        times((n): Operation => ({ op: "convert", to: targets[(n + 2) % targets.length]! })),
      ),
    ]);
    expect(await found(dir, digest)).toEqual([...first, ...second].toSorted());
    const { tags } = await stateOf(dir);
    expect(tags).toEqual(expect.arrayContaining(times((n) => `tag-${n} ${digest}`)));
    await convert(await Layout.open(dir), { to: "universal" });
    if (HAS_ORAS) expect(await orasReferrers(dir, digest)).toEqual([...first, ...second].toSorted());
  });
});

describe("one process", () => {
  test("50 calls at once through one Layout are safe", async () => {
    const dir = join(root, "promises");
    const { digest } = await makeLayout(dir);
    const layout = await Layout.open(dir);
    const write = async (n: number): Promise<string> => {
      if (n % 5 === 0) await layout.tag(await layout.resolve(`@${digest}`), `tag-${n}`);
      return (await attach(layout, digest, { artifactType: ARTIFACT, annotations: { n: String(n) } })).digest;
    };
    const written = await Promise.all(Array.from({ length: 50 }, async (_, n) => await write(n)));
    expect(await found(dir, digest)).toEqual(written.toSorted());
    expect((await stateOf(dir)).tags).toHaveLength(expectTags());
  });

  test("who does not want to wait is told who holds the lock", async () => {
    const dir = join(root, "busy");
    const { digest } = await makeLayout(dir);
    const layout = await Layout.open(dir);
    const lock = await acquireLock(dir, { wait: 0 });
    const attaching = attach(layout, digest, { artifactType: ARTIFACT }, { wait: 20 });
    await expect(attaching).rejects.toMatchObject({
      code: "LOCK_BUSY",
      details: { file: ".ocilot-lock", owner: expect.stringContaining(String(process.pid)) },
    });
    await lock.release();
    await attach(layout, digest, { artifactType: ARTIFACT }, { wait: 0 });
  });
});

/** v1, a tag for every fifth call, and the list's own. */
function expectTags(): number {
  return 1 + 10 + 1;
}
