import { join } from "node:path";
import { type Digest, Layout } from "@ocilot/layout";
import { attach, collectGarbage, detach, openView, readGraph } from "@ocilot/referrers";
import { copyLayout, fixtureLayout, tempDir } from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

async function blobsIn(layout: Layout): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of layout.blobs.list()) found.push(digest);
  return found.toSorted();
}

/** Reachability, found by opening every blob: what a collection must keep, and nothing else. */
async function needed(layout: Layout): Promise<string[]> {
  const manifests = new Map<string, any>();
  for await (const { digest, size } of layout.blobs.list()) {
    const bytes = await layout.blobs.bytes({ mediaType: "", digest, size });
    try {
      const json = JSON.parse(new TextDecoder().decode(bytes)) as { schemaVersion?: number };
      if (json.schemaVersion === 2) manifests.set(digest, json);
    } catch {
      // A layer.
    }
  }
  const all = new Set(await blobsIn(layout));
  const kept = new Set<string>();
  const queue: string[] = (await layout.index.read()).entries.map((e) => e.descriptor.digest);
  for (const digest of queue) {
    if (kept.has(digest)) continue;
    kept.add(digest);
    const m = manifests.get(digest);
    for (const d of [m?.config, ...(m?.layers ?? []), ...(m?.manifests ?? []), m?.subject]) if (d) queue.push(d.digest as string);
    for (const [other, json] of manifests) if (json.subject?.digest === digest) queue.push(other);
  }
  return [...kept].filter((d) => all.has(d)).toSorted();
}

describe("against an oracle of reachability", () => {
  test("any history of attach, detach, tag, untag and collection keeps what is needed and nothing else", async () => {
    const step = fc.record({ op: fc.constantFrom("attach", "attach", "detach", "tag", "untag", "gc"), at: fc.nat(50) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 14 }),
        fc.constantFrom("layouts/oras", "layouts/regclient", "edge/sha512-subject"),
        async (steps, name) => {
          const layout = fixtureLayout(name);
          const known = (await layout.index.read()).entries.map((e) => e.descriptor);
          let n = 0;
          for (const { op, at } of steps) {
            const d = known[at % known.length]!;
            if (op === "attach")
              known.push(
                await attach(layout, d.digest, { artifactType: "a/b", annotations: { n: String(n++) } }, { allowDangling: true }).catch(
                  () => d,
                ),
              );
            if (op === "detach") await detach(layout, d.digest).catch(() => undefined);
            if (op === "tag") await layout.tag(d, `t${at}`).catch(() => undefined);
            if (op === "untag") await layout.untag(`t${at}`).catch(() => undefined);
            if (op !== "gc") continue;
            const expected = await needed(layout);
            await collectGarbage(layout, { grace: 0 });
            expect(await blobsIn(layout)).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("beside writers", () => {
  const rounds = process.env["OCILOT_LONG"] === "1" ? 100 : 10;
  test(`two collections and sixteen attaches at once, ${rounds} times: nothing that was reported is lost`, async () => {
    const dir = join(tempDir(), "layout");
    await copyLayout(join(import.meta.dirname, "../../../fixtures/layouts/oras"), dir);
    const open = async (): Promise<Layout> => await Layout.open(dir, { sync: false });
    const subject = (await (await open()).index.read()).entries.find((e) => e.tag !== undefined)!.descriptor.digest;
    const reported = new Set<Digest>();
    for (let round = 0; round < rounds; round++) {
      const attaches = Array.from({ length: 16 }, async (_, i) => {
        const layer = { source: new TextEncoder().encode(`${round} ${i}`), mediaType: "text/plain" };
        // Without grace a layer may go before it is named; then nothing is reported.
        const done = await attach(await open(), subject, { artifactType: "a/b", layers: [layer] }).catch(() => undefined);
        if (done !== undefined) reported.add(done.digest);
      });
      const grace = round % 2 === 0 ? 0 : 3_600_000;
      await Promise.all([...attaches, collectGarbage(await open(), { grace }), collectGarbage(await open(), { grace })]);
    }
    const graph = await readGraph(await openView(await open()));
    const found = new Set(graph.of(subject).map((e) => e.referrer.digest));
    expect([...reported].filter((d) => !found.has(d))).toEqual([]);
    expect(reported.size).toBeGreaterThanOrEqual((rounds / 2) * 16);
    const closure = await needed(await open());
    for (const digest of reported) expect(closure).toContain(digest);
  });
});
