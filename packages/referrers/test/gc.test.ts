import { utimesSync, writeFileSync, mkdirSync, existsSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, type Layout, blobPath } from "@ocilot/layout";
import { TOOLS, collectGarbage, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, fixtureNames, tempDir } from "@ocilot/testkit";
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
      return await remove(digest, options);
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
