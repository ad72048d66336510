import type { Digest } from "@ocilot/layout";
import { convert, findConvention, openView, planConversion, readGraph } from "@ocilot/referrers";
import {
  blobHashes,
  copyLayout,
  fixtureLayout,
  fixtureNames,
  fixtureTruths,
  FIXTURES,
  indexText,
  rawEntries,
  tempDir,
} from "@ocilot/testkit";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NAMESAKES, SIX, allDigests, foundBy, linksOf } from "./helpers.js";

const truths = fixtureTruths();

/** Subject → sorted referrers, as the fixture's maker counted them. */
function truthOf(name: string): Record<string, Digest[]> {
  return Object.fromEntries(Object.entries(truths[name] ?? {}).map(([subject, list]) => [subject, [...list].toSorted()]));
}

describe.each(fixtureNames("layouts"))("fixture %s", (name) => {
  it.each(SIX)("converted to %s: its reader and its namesakes find exactly the S-edges", async (to) => {
    const layout = fixtureLayout(`layouts/${name}`);
    const { plan } = await convert(layout, { to });
    const view = await openView(layout);
    const stated = [];
    for (const edge of await findConvention(to)!.read(view)) if (edge.link === "S") stated.push(edge);
    expect(linksOf(stated)).toEqual(truthOf(name));
    const claimed = (await readGraph(view)).edges().filter((e) => e.link === "N");
    for (const tool of NAMESAKES[to]) {
      const found = await foundBy(tool, view, await allDigests(view));
      // containerd's mark is the one record that holds a link without subject, and containerd follows it.
      for (const { subject, referrer } of claimed) {
        const rest = found[subject]?.filter((d) => d !== referrer.digest);
        if (rest?.length === 0) delete found[subject];
        else if (rest !== undefined) found[subject] = rest;
      }
      expect(found, tool).toEqual(truthOf(name));
    }
    expect(plan.losses.filter((l) => truths[name]?.[l.subject]?.includes(l.referrer))).toEqual([]);
    expect(plan.digestChanges).toEqual([]);
  });

  it.each(SIX)("converted to %s: no blob that was there changes, none goes", async (to) => {
    const layout = fixtureLayout(`layouts/${name}`);
    const before = await blobHashes(layout);
    await convert(layout, { to });
    await convert(layout, { to, only: true });
    const after = await blobHashes(layout);
    expect(new Map([...after].filter(([digest]) => before.has(digest)))).toEqual(before);
  });

  it.each(SIX)("converted to %s: foreign entries keep their bytes and their order", async (to) => {
    for (const only of [false, true]) {
      const layout = fixtureLayout(`layouts/${name}`);
      const foreign = await foreignEntries(layout);
      expect(foreign.length > 0 || /^(cosign-save|crane)/.test(name)).toBe(true);
      await convert(layout, { to, only });
      expect(rawEntries(await indexText(layout)).filter((raw) => foreign.includes(raw))).toEqual(foreign);
    }
  });

  it.each(SIX)("converted to %s twice: the second run writes nothing", async (to) => {
    const dir = join(tempDir(), "layout");
    const layout = await copyLayout(join(FIXTURES, "layouts", name), dir);
    for (const only of [false, true]) {
      await convert(layout, { to, only });
      const before = { text: await indexText(layout), stamp: stampOf(dir), blobs: await blobHashes(layout) };
      const again = await convert(layout, { to, only });
      expect(again.changed).toBe(false);
      expect(again.plan.steps).toEqual([]);
      expect({ text: await indexText(layout), stamp: stampOf(dir), blobs: await blobHashes(layout) }).toEqual(before);
    }
  });

  it("planning writes nothing", async () => {
    const dir = join(tempDir(), "layout");
    const layout = await copyLayout(join(FIXTURES, "layouts", name), dir);
    const before = { stamp: stampOf(dir), blobs: await blobHashes(layout) };
    for (const to of SIX) for (const only of [false, true]) await planConversion(layout, { to, only });
    expect({ stamp: stampOf(dir), blobs: await blobHashes(layout) }).toEqual(before);
  });
});

it("the fixtures hold 34 S-edges, and all of them can be found", async () => {
  let found = 0;
  for (const name of fixtureNames("layouts")) {
    const graph = await readGraph(await openView(fixtureLayout(`layouts/${name}`)));
    const links = linksOf(graph.edges().filter((e) => e.link === "S"));
    expect(links, name).toEqual(truthOf(name));
    found += Object.values(links).flat().length;
  }
  expect(found).toBe(34);
});

/**
 * Told without the code under test: tagged entries over anything but lists, and entries that are neither list nor
 * referrer. What has a `kind` is cosign's record.
 */
async function foreignEntries(layout: Awaited<ReturnType<typeof fixtureLayout>>): Promise<string[]> {
  const text = await indexText(layout);
  const referrers = new Set<string>(Object.values(truths).flatMap((truth) => Object.values(truth).flat()));
  const subjects = new Set(Object.values(truths).flatMap((truth) => Object.keys(truth)));
  return rawEntries(text).filter((raw) => {
    const entry = JSON.parse(raw) as { digest: string; annotations?: Record<string, string>; platform?: object };
    const annotations = entry.annotations ?? {};
    if (annotations["kind"] !== undefined) return false;
    const tag = annotations["org.opencontainers.image.ref.name"];
    if (tag !== undefined) return !/^sha256-[0-9a-f]{64}$/.test(tag);
    const isList = Object.keys(annotations).some((key) => key.endsWith(".referrer.subject"));
    const isBareSubject = subjects.has(entry.digest) && entry.annotations === undefined && entry.platform === undefined;
    return !isList && !isBareSubject && !referrers.has(entry.digest);
  });
}

function stampOf(dir: string): { mtime: number; inode: number } {
  const { mtimeMs, ino } = statSync(join(dir, "index.json"));
  return { mtime: mtimeMs, inode: ino };
}
