import type { Descriptor } from "@ocilot/layout";
import { attach, listReferrers, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "ocilot-view-"))));
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

describe("a view", () => {
  it("reads a descriptor with annotations: null as one without, as Go does", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    const index = builder.imageIndex([{ ...image, annotations: null }]);
    builder.entry(index, { tag: "v1", members: { annotations: null } }).entry(referrer, { members: { annotations: null } });
    const layout = builder.layout();
    expect((await readGraph(await openView(layout))).of(image.digest)).toHaveLength(1);
    await attach(layout, image.digest, { artifactType: "a/b" });
    const found = [];
    for await (const { descriptor } of listReferrers(layout, image.digest)) found.push(descriptor.digest);
    expect(found).toHaveLength(2);
  });

  it("gives other work a turn when a loop takes long, and an abort stops it", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    for (let i = 0; i < 600; i++) builder.listed(builder.referrer(image));
    const layout = await builder.directory(join(directory, "layout"));
    const { entries } = await layout.index.read();
    let time = 0;
    vi.spyOn(Date, "now").mockImplementation(() => (time += 1));
    let turns = 0;
    const count = (): void => void (turns++, (next = setImmediate(count)));
    let next = setImmediate(count);
    await (await openView(layout)).nodes(entries.map((e) => e.descriptor));
    clearImmediate(next);
    expect(turns).toBeGreaterThan(0);
    const view = await openView(layout, { signal: AbortSignal.abort() });
    await expect(view.nodes(entries.map((e) => e.descriptor))).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("does not hold on to what was absent: a listed referrer whose blob was lost is attached again", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const layout = builder.forget(image).layout();
    const again = async (): Promise<Descriptor> =>
      await attach(layout, { digest: image.digest, size: image.size }, { artifactType: "a/b" }, { allowDangling: true });
    const first = await again();
    await layout.blobs.delete(first.digest);
    expect((await again()).digest).toBe(first.digest);
    expect(await layout.blobs.has(first.digest)).toBe(true);
  });

  it("knows what the entries of a planned index lead to as a view that looks all of them up does", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrers = [1, 2, 3].map((n) => builder.referrer(image, { annotations: { n: String(n) } }));
    const lost = builder.referrer(image, { annotations: { n: "lost" } });
    const listed = [image, ...referrers, lost, image];
    for (const d of listed) builder.listed(d);
    const planned = JSON.stringify({ schemaVersion: 2, mediaType: image.mediaType, config: image, layers: [] });
    const layout = builder.forget(lost).layout();
    const change = fc.constantFrom<(ds: readonly Descriptor[], i: number) => Descriptor[]>(
      (ds, i) => ds.toSpliced(i, 1),
      (ds, i) => ds.toSpliced(i, 0, referrers[1]!),
      (ds, i) => ds.with(i, { ...ds[i]!, annotations: { changed: String(i) } }),
      (ds, i) => ds.with(i, { ...ds[i]!, size: ds[i]!.size + 1 }),
      (ds, i) => ds.with(i, { ...ds[i]!, mediaType: "application/octet-stream" }),
      (ds, i) => ds.with(i, { ...lost }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(change, fc.nat()), { maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        async (changes, isOpened, isPlanned) => {
          const view = await openView(layout);
          if (isOpened) expect(await view.entryNodes()).toEqual(await view.nodes(view.entries.map((e) => e.descriptor)));
          const entries = changes.reduce<Descriptor[]>(
            (ds, [apply, at]) => (ds.length === 0 ? ds : apply(ds, at % ds.length)),
            view.entries.map((e) => e.descriptor),
          );
          const blobs = isPlanned ? [{ descriptor: lost, text: planned }] : [];
          const found = await view.with({ entries, blobs }).entryNodes();
          const alone = (await openView(layout)).with({ entries, blobs });
          expect(found).toEqual(await alone.nodes(entries));
          expect(found.map((node) => node.descriptor)).toEqual(entries);
        },
      ),
      { numRuns: 300 },
    );
  });
});
