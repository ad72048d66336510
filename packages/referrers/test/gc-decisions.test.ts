import { type BlobListing, type Descriptor, type Digest, type Layout, OcilotError, compareDigests } from "@ocilot/layout";
import { type GcOptions, collectGarbage } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { errorOf } from "./helpers.js";

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

/** A layout in memory whose blobs have the ages that are given, in milliseconds; the others are old. */
function aged(builder: LayoutBuilder, ages: ReadonlyMap<Digest, number> = new Map()): Layout {
  const layout = builder.layout();
  const list = layout.blobs.list.bind(layout.blobs);
  layout.blobs.now = async () => NOW;
  layout.blobs.list = async function* (): AsyncIterable<BlobListing> {
    for await (const blob of list()) yield { ...blob, modified: NOW - (ages.get(blob.digest) ?? 100 * HOUR) };
  };
  return layout;
}

/** One tagged image, and blobs that nothing refers to. */
function withGarbage(...contents: string[]): { builder: LayoutBuilder; garbage: Descriptor[]; image: Descriptor } {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  return { builder, image, garbage: contents.map((content) => builder.blob(content)) };
}

const bytesOf = (items: readonly { readonly size: number }[]): number => items.reduce((sum, { size }) => sum + size, 0);

describe("what is young", () => {
  test.each([
    [undefined, HOUR - 1, "young"],
    [undefined, HOUR, "removed"],
    [5000, 4999, "young"],
    [5000, 5000, "removed"],
    [0, 0, "removed"],
  ])("with a grace of %s, a blob of %i ms is %s", async (grace, age, fate) => {
    const { builder, garbage } = withGarbage("x");
    const layout = aged(builder, new Map([[garbage[0]!.digest, age]]));
    const options: GcOptions = grace === undefined ? {} : { grace };
    const asked: unknown[] = [];
    const remove = layout.blobs.delete.bind(layout.blobs);
    layout.blobs.delete = async (digest, limits) => {
      asked.push(limits?.before);
      return await remove(digest, limits);
    };
    const { removed, spared } = await collectGarbage(layout, options);
    expect([removed.length, spared.map((s) => s.reason)]).toEqual(fate === "young" ? [0, ["young"]] : [1, []]);
    // A blob is removed if it was modified before this time: the same limit, asked once more at the removal.
    expect(asked).toEqual(fate === "young" ? [] : [NOW - (grace ?? HOUR) + 1]);
  });

  test("without writing, the newest blob tells the time where it is ahead of this machine", async () => {
    const { builder, garbage } = withGarbage("old", "new");
    const layout = builder.layout();
    const list = layout.blobs.list.bind(layout.blobs);
    const ahead = Date.now() + 10 * HOUR;
    layout.blobs.list = async function* (): AsyncIterable<BlobListing> {
      for await (const blob of list()) yield { ...blob, modified: ahead - (blob.digest === garbage[1]!.digest ? 0 : 2 * HOUR) };
    };
    layout.blobs.now = () => Promise.reject(new Error("a dry run writes nothing"));
    const { removed, spared } = await collectGarbage(layout, { dryRun: true });
    expect(removed.map((b) => b.digest)).toContain(garbage[0]!.digest);
    expect(spared.map((b) => b.digest)).toEqual([garbage[1]!.digest]);
  });

  test("what was pruned has no grace, and what it named has", async () => {
    const builder = new LayoutBuilder();
    const gone = builder.image();
    const layer = builder.blob("layer");
    const sbom = builder.referrer(gone, { members: { layers: [layer] } });
    builder.listed(sbom).forget(gone);
    const layout = aged(builder, new Map([...builder.blobs.keys()].map((digest) => [digest, 1])));
    const dry = await collectGarbage(layout, { pruneDangling: true, dryRun: true });
    const { removed, spared, pruned, steps } = await collectGarbage(layout, { pruneDangling: true });
    expect(removed.map((b) => b.digest)).toEqual([sbom.digest]);
    expect(spared.find((b) => b.digest === layer.digest)).toEqual({ digest: layer.digest, size: layer.size, reason: "young" });
    expect(pruned).toEqual([{ subject: gone.digest, referrer: sbom.digest }]);
    expect(steps.prune).toEqual({ count: 1, bytes: 0 });
    expect([dry.pruned, dry.steps.prune, dry.removed]).toEqual([pruned, steps.prune, removed]);
    expect((await layout.index.read()).annotations).toEqual({});
  });
});

describe("what is reported", () => {
  test("is counted by step, in blobs and bytes, and told in the order of the steps", async () => {
    const { builder, garbage } = withGarbage("one", "three", "seventeen");
    const all = [...builder.blobs.values()].map((bytes) => ({ size: bytes.length }));
    const young = new Map([[garbage[1]!.digest, 1]]);
    for (const dryRun of [true, false]) {
      const events: unknown[] = [];
      const result = await collectGarbage(aged(builder, young), { dryRun, onProgress: (e) => events.push([e.step, e.figures]) });
      const gone = [garbage[0]!, garbage[2]!];
      const figures = {
        prune: { count: 0, bytes: 0 },
        mark: { count: all.length - 3, bytes: bytesOf(all) - bytesOf(garbage) },
        scan: { count: all.length, bytes: bytesOf(all) },
        sweep: { count: 2, bytes: bytesOf(gone) },
      };
      expect(result).toEqual({
        dryRun,
        steps: figures,
        removed: gone.map(({ digest, size }) => ({ digest, size })).toSorted((a, b) => compareDigests(a.digest, b.digest)),
        spared: [{ digest: garbage[1]!.digest, size: garbage[1]!.size, reason: "young" }],
        pruned: [],
        unlisted: [],
      });
      expect(events).toEqual(Object.entries(figures));
    }
  });

  test("is what is gone, whoever removed it, and not what was stored again", async () => {
    const { builder, garbage } = withGarbage("removed by another program", "stored again");
    const layout = aged(builder);
    const remove = layout.blobs.delete.bind(layout.blobs);
    layout.blobs.delete = async (digest) => {
      if (digest === garbage[0]!.digest) await remove(digest);
      return false;
    };
    const { removed, spared, steps } = await collectGarbage(layout);
    expect(removed.map((b) => b.digest)).toEqual([garbage[0]!.digest]);
    expect(spared).toEqual([{ digest: garbage[1]!.digest, size: garbage[1]!.size, reason: "young" }]);
    expect(steps.sweep).toEqual({ count: 1, bytes: garbage[0]!.size });
  });

  test("unlisted referrers come in the order of their digests", async () => {
    const { builder, image } = withGarbage();
    const unlisted = Array.from({ length: 6 }, (_, i) => builder.referrer(image, { members: { annotations: { i: String(i) } } }).digest);
    expect((await collectGarbage(aged(builder))).unlisted).toEqual(unlisted.toSorted(compareDigests));
  });
});

describe("an interrupted collection", () => {
  test("says how far it came, and what it had not removed stays", async () => {
    const { builder, garbage } = withGarbage("a", "b", "c");
    const layout = aged(builder);
    const stop = new AbortController();
    const remove = layout.blobs.delete.bind(layout.blobs);
    layout.blobs.delete = async (digest, options) => {
      stop.abort();
      return await remove(digest, options);
    };
    const error = await errorOf(collectGarbage(layout, { signal: stop.signal }));
    expect(error).toMatchObject({ code: "ABORTED", message: "interrupted after 1 of 3 blobs" });
    const left = await Promise.all(garbage.map(async (d) => await layout.blobs.has(d.digest)));
    expect(left.filter(Boolean)).toHaveLength(2);
  });
});

describe("beside a program without the lock", () => {
  /** Somebody else has changed index.json after each of the first plans, so often, and after the next one put it back. */
  function disturbed(times: number): { layout: Layout; looks: () => number } {
    const { builder } = withGarbage("x");
    const layout = aged(builder);
    const read = layout.index.read.bind(layout.index);
    let looks = 0;
    layout.index.read = async () => {
      const snapshot = await read();
      return ++looks <= times ? { ...snapshot, digest: `sha256:${String(looks).padStart(64, "0")}` as Digest } : snapshot;
    };
    return { layout, looks: () => looks };
  }

  test("it looks again, 20 times at most, and then removes nothing", async () => {
    const patient = disturbed(18);
    expect((await collectGarbage(patient.layout)).removed).toHaveLength(1);
    expect(patient.looks()).toBe(20);
    const { layout, looks } = disturbed(19);
    const error = await errorOf(collectGarbage(layout));
    expect(error).toMatchObject({ code: "INDEX_CONFLICT", details: { expected: expect.stringMatching(/0019$/) as string } });
    expect(error.hint).toBeDefined();
    expect(looks()).toBe(20);
  });
});

describe("a full disk", () => {
  const full = (errno: string, code: "IO_ERROR" | "LOCK_BUSY" = "IO_ERROR"): OcilotError =>
    code === "IO_ERROR"
      ? new OcilotError("IO_ERROR", errno, { path: ".ocilot-lock", errno })
      : new OcilotError("LOCK_BUSY", errno, { file: ".ocilot-lock" });

  function failing(error: OcilotError, times: number): { layout: Layout; garbage: Descriptor[] } {
    const { builder, garbage } = withGarbage("one", "two", "three");
    const layout = aged(builder);
    const update = layout.index.update.bind(layout.index);
    let calls = 0;
    layout.index.update = async (edit, options) => {
      if (calls++ < times) throw error;
      return await update(edit, options);
    };
    return { layout, garbage };
  }

  test.each(["ENOSPC", "EDQUOT"])("%s: one blob at a time makes room, and the report has all of them", async (errno) => {
    const { layout, garbage } = failing(full(errno), 2);
    const { removed, steps } = await collectGarbage(layout);
    expect(removed.map((b) => b.digest).toSorted()).toEqual(garbage.map((d) => d.digest).toSorted());
    expect(steps.sweep).toEqual({ count: 3, bytes: bytesOf(garbage) });
    expect(steps.scan.bytes - steps.mark.bytes).toBe(bytesOf(garbage));
  });

  test("another error removes nothing", async () => {
    for (const error of [full("EIO"), full("busy", "LOCK_BUSY"), new OcilotError("IO_ERROR", "x", { path: "x" })]) {
      const { layout, garbage } = failing(error, 1);
      await expect(collectGarbage(layout)).rejects.toBe(error);
      for (const d of garbage) expect(await layout.blobs.has(d.digest)).toBe(true);
    }
  });

  test("before the lock is held nothing is pruned", async () => {
    const builder = new LayoutBuilder();
    const gone = builder.image();
    const sbom = builder.referrer(gone);
    builder.listed(sbom).forget(gone);
    const layout = aged(builder);
    const error = full("ENOSPC");
    layout.index.update = () => Promise.reject(error);
    await expect(collectGarbage(layout, { pruneDangling: true })).rejects.toBe(error);
    expect(await layout.blobs.has(sbom.digest)).toBe(true);
  });
});

test("a registry collects its own garbage", async () => {
  const { builder, garbage } = withGarbage("x");
  const layout = aged(builder);
  Object.defineProperty(layout, "keepsEntries", { value: false });
  expect(await errorOf(collectGarbage(layout))).toMatchObject({ code: "WRITE_REFUSED", details: { reason: "registry" } });
  expect(await layout.blobs.has(garbage[0]!.digest)).toBe(true);
});
