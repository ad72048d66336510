import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, Layout } from "@ocilot/layout";
import { convert, openView, readGraph } from "@ocilot/referrers";
import { expect, test } from "vitest";
import { makeLayout } from "../crash/harness/made-layout.js";
import type { Operation } from "../crash/harness/operation.js";
import { HAS_ORAS, oras, orasReferrers } from "../crash/harness/real-oras.js";
import { startWorker } from "../crash/harness/run-worker.js";
import { LONG, tempRoot } from "../crash/harness/temp.js";

const root = tempRoot();
const COUNT = LONG ? 200 : 20;

function attaches(subject: Digest, by: string): Operation[] {
  return Array.from({ length: COUNT }, (_, n) => ({
    op: "attach",
    subject,
    artifactType: "application/vnd.example",
    annotations: { by, n: String(n) },
    conventions: ["oras"],
  }));
}

/** Attaches with the real oras until `isOver`; returns what it says it attached. */
async function attachWithOras(dir: string, isOver: () => boolean): Promise<string[]> {
  writeFileSync(join(root, "note.txt"), "x");
  const attached: string[] = [];
  while (!isOver()) {
    const args = ["--artifact-type", "application/vnd.example.oras", "--annotation", `n=${attached.length}`, "--format", "json"];
    const said = await oras(
      "attach",
      "--oci-layout",
      `${dir}:v1`,
      ...args,
      "--disable-path-validation",
      `${join(root, "note.txt")}:text/plain`,
    );
    attached.push((JSON.parse(said) as { digest: string }).digest);
  }
  return attached;
}

test.runIf(HAS_ORAS)("beside oras, which takes no lock, ocilot loses nothing, and a scan finds what oras lost", async () => {
  const dir = join(root, "layout");
  const { digest } = await makeLayout(dir);
  const workers = ["first", "second"].map((by) =>
    startWorker("worker.mjs", [dir, JSON.stringify(attaches(digest, by))], { preload: "../../concurrency/witness.mjs" }),
  );
  let isOver = false;
  const byOras = attachWithOras(dir, () => isOver);
  const ends = await Promise.all(workers.map(async (w) => await w.end));
  isOver = true;
  const expected = [...(await byOras)];
  for (const { code, lines, errors } of ends) {
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(lines.filter((l) => l.startsWith("lost"))).toEqual([]);
    expect(lines.filter((l) => l === "replaced").length).toBeGreaterThanOrEqual(COUNT);
    expected.push(...lines.filter((l) => l.startsWith("done")).map((l) => l.split(" ")[1]!));
  }
  const layout = await Layout.open(dir);
  await convert(layout, { to: "universal", scan: true });
  const graph = await readGraph(await openView(layout));
  expect(graph.of(digest).map((e) => e.referrer.digest)).toEqual(expected.toSorted());
  expect(await orasReferrers(dir, digest)).toEqual(expected.toSorted());
});
