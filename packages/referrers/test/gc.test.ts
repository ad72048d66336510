import { utimesSync, writeFileSync, mkdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, type Digest, Layout, blobPath } from "@ocilot/layout";
import { TOOLS, attach, collectGarbage, detach, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, copyLayout, fixtureLayout, fixtureNames, tempDir } from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allDigests, errorOf, foundBy, linksOf } from "./helpers.js";

const NAMES = [...fixtureNames("layouts").map((n) => `layouts/${n}`), ...fixtureNames("edge").map((n) => `edge/${n}`)];

async function blobsIn(layout: Layout): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of layout.blobs.list()) found.push(digest);
  return found.toSorted();
}

async function onDisk(change: (b: LayoutBuilder, image: Descriptor) => void): Promise<{ layout: Layout; image: Descriptor; dir: string }> {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  change(builder, image);
  const dir = join(tempDir(), "layout");
  return { layout: await builder.directory(dir), image, dir };
}

describe.each(NAMES)("a collection in %s", (name) => {
  test("takes nothing that a reader finds, does what the dry run says, and is done after one", async () => {
    const layout = fixtureLayout(name);
    const before = await openView(layout, { scan: true });
    const digests = await allDigests(before);
    const links = linksOf((await readGraph(before)).edges().filter((e) => digests.includes(e.subject)));
    const answers = await Promise.all(TOOLS.map(async ({ id }) => await foundBy(id, before, digests)));
    const { text } = await layout.index.read();
    const dry = await collectGarbage(layout, { dryRun: true, grace: 0 });
    const real = await collectGarbage(layout, { grace: 0 });
    expect({ ...real, dryRun: true }).toEqual(dry);
    expect((await layout.index.read()).text).toBe(text);
    const after = await openView(layout, { scan: true });
    expect(linksOf((await readGraph(after)).edges())).toMatchObject(links);
    expect(await Promise.all(TOOLS.map(async ({ id }) => await foundBy(id, after, digests)))).toEqual(answers);
    expect((await collectGarbage(layout, { grace: 0 })).removed).toEqual([]);
  });
});

describe("what a collection keeps", () => {
  test("what is young, what it does not know, and unlisted referrers of what is kept", async () => {
    let garbage: Descriptor, unlisted: Descriptor, above: Descriptor;
    const { layout, dir } = await onDisk((b, image) => {
      garbage = b.image();
      unlisted = b.referrer(image);
      above = b.referrer(unlisted);
    });
    mkdirSync(join(dir, "blobs/md5"));
    writeFileSync(join(dir, "blobs/md5", "0".repeat(32)), "x");
    writeFileSync(join(dir, "blobs/sha256/not-a-digest"), "x");
    const first = await collectGarbage(layout);
    expect(first.removed).toEqual([]);
    expect(first.unlisted).toEqual([unlisted!.digest, above!.digest].toSorted());
    expect(first.spared.map((s) => s.reason)).toContain("young");
    utimesSync(join(dir, blobPath(garbage!.digest)), 1000, 1000);
    const second = await collectGarbage(layout);
    expect(second.removed.map((r) => r.digest)).toEqual([garbage!.digest]);
    const third = await collectGarbage(layout, { grace: 0 });
    expect(third.spared.map((s) => s.reason)).toEqual(["unknown-algorithm"]);
    expect(existsSync(join(dir, "blobs/sha256/not-a-digest"))).toBe(true);
    expect(await layout.blobs.has(above!.digest)).toBe(true);
  });

  test("what was stored again between the look and the removal", async () => {
    let garbage: Descriptor;
    const { layout, dir } = await onDisk((b) => (garbage = b.image()));
    utimesSync(join(dir, blobPath(garbage!.digest)), 1000, 1000);
    const remove = layout.blobs.delete.bind(layout.blobs);
    layout.blobs.delete = async (digest, options) => {
      utimesSync(join(dir, blobPath(garbage.digest)), new Date(), new Date());
      await remove(digest, options);
    };
    const { removed, spared } = await collectGarbage(layout);
    expect(removed).toEqual([]);
    expect(spared.some((s) => s.digest === garbage.digest && s.reason === "young")).toBe(true);
  });

  test("what a program without the lock has named meanwhile", async () => {
    let garbage: Descriptor;
    const { layout, dir } = await onDisk((b) => (garbage = b.image()));
    const list = layout.blobs.list.bind(layout.blobs);
    let isFirst = true;
    layout.blobs.list = async function* () {
      yield* list();
      if (!isFirst) return;
      isFirst = false;
      writeFileSync(join(dir, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [garbage] }));
    };
    await collectGarbage(layout, { grace: 0 });
    expect(await layout.blobs.has(garbage!.digest)).toBe(true);
  });

  test("everything, where a manifest is damaged or index.json can be read in two ways", async () => {
    let child: Descriptor;
    const damaged = await onDisk((b) => {
      child = b.image();
      b.entry(b.imageIndex([child]), { tag: "v2" });
      b.image();
    });
    writeFileSync(join(damaged.dir, blobPath(child!.digest)), "x".repeat(child!.size));
    const quirky = await onDisk((b) => void b.image());
    const { text } = await quirky.layout.index.read();
    writeFileSync(join(quirky.dir, "index.json"), `{"manifests":[],${text.slice(1)}`);
    for (const [{ layout }, code] of [
      [damaged, "BLOB_CORRUPT"],
      [quirky, "WRITE_REFUSED"],
    ] as const) {
      const before = await blobsIn(layout);
      for (const options of [{ grace: 0 }, { grace: 0, dryRun: true }, { grace: 0, pruneDangling: true }]) {
        expect((await errorOf(collectGarbage(layout, options))).code).toBe(code);
      }
      expect(await blobsIn(layout)).toEqual(before);
    }
  });

  test("sparse and dangling layouts are fine", async () => {
    const { layout } = await onDisk((b, image) => {
      const gone = b.image();
      b.listed(b.referrer(gone))
        .entry(b.imageIndex([image, gone]), { tag: "sparse" })
        .forget(gone);
    });
    expect((await collectGarbage(layout, { grace: 0 })).removed.length).toBe(2);
  });
});

describe("pruning", () => {
  test("takes referrers of what is gone, and theirs, but nothing that a tag or something present holds", async () => {
    let tagged: Descriptor, loose: Descriptor, above: Descriptor, both: Descriptor, kept: Descriptor;
    const { layout } = await onDisk((b, image) => {
      const gone = b.image();
      [tagged, loose, both, kept] = [b.referrer(gone), b.referrer(gone), b.referrer(gone), b.referrer(image)];
      above = b.referrer(loose);
      b.entry(tagged, { tag: "sbom" }).listed(loose).listed(above).listed(kept);
      b.entry(both, { tag: `${image.digest.replace(":", "-")}.sig` }).forget(gone);
    });
    const dry = await collectGarbage(layout, { grace: 0, pruneDangling: true, dryRun: true });
    const real = await collectGarbage(layout, { grace: 0, pruneDangling: true });
    expect({ ...real, dryRun: true }).toEqual(dry);
    expect(real.pruned.map((p) => p.referrer).toSorted()).toEqual([loose!.digest, above!.digest].toSorted());
    const there = await Promise.all([tagged!, loose!, above!, both!, kept!].map(async (d) => await layout.blobs.has(d.digest)));
    expect(there).toEqual([true, false, false, true, true]);
    expect((await layout.index.read()).entries.map((e) => e.descriptor.digest)).not.toContain(loose!.digest);
  });

  test.each(NAMES)("%s: the dry run is the real one", async (name) => {
    const layout = fixtureLayout(name);
    const dry = await collectGarbage(layout, { grace: 0, pruneDangling: true, dryRun: true });
    const real = await collectGarbage(layout, { grace: 0, pruneDangling: true });
    expect({ ...real, dryRun: true }).toEqual(dry);
  });
});

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
  test("any history of attach, detach, tag, untag and collection keeps what is needed and nothing else", { timeout: 120_000 }, async () => {
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
  test(
    `two collections and sixteen attaches at once, ${rounds} times: nothing that was reported is lost`,
    { timeout: 600_000 },
    async () => {
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
    },
  );
});
