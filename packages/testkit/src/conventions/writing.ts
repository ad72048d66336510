import { digestOf } from "@ocilot/layout";
import { type Convention, edgeKey, openView, readGraph, referrersTag } from "@ocilot/referrers";
import { expect, it } from "vitest";
import { projectedText, projectedView } from "../apply-projection.js";
import { fixtureLayout, fixtureNames } from "../fixtures.js";
import { aroundEntries } from "../index-text.js";
import { LayoutBuilder } from "../layout-builder.js";
import { count, foreignIn, missingFrom, withoutPlainEntries } from "./entry-texts.js";
import { everyProjection, everyRoundTrip, statedBy } from "./every-layout.js";

/** The laws of `project` and `withdraw`. */
export function describeWriting(convention: Convention, runs: { numRuns: number }): void {
  it("read(project(g)) is g less the projection's losses", async () => {
    await everyProjection(convention, runs, async ({ graph, projection, after }) => {
      const lost = new Set(projection.losses.map((l) => `${l.subject} ${l.referrer}`));
      const expected = graph.edges().map(edgeKey);
      const stated = await statedBy(convention, after);
      expect(stated).toEqual(expect.arrayContaining(expected.filter((key) => !lost.has(key))));
      expect(stated.filter((key) => !graph.edges().some((e) => edgeKey(e) === key))).toEqual([]);
    });
  });

  it("projects no change once its records are complete", async () => {
    await everyProjection(convention, runs, async ({ graph, after }) => {
      const again = await convention.project(graph, after);
      expect(again.changes).toEqual([]);
      expect(again.blobs).toEqual([]);
    });
  });

  if (convention.traits.shape === "other") describeAnnotations(convention, runs);
  else describeRecords(convention, runs);

  it("keeps unknown members of index.json and of its entries", async () => {
    await everyProjection(convention, runs, async ({ text, textAfter }) => {
      if (!text.includes('"manifests":null')) expect(aroundEntries(textAfter).before).toBe(aroundEntries(text).before);
      expect(count(textAfter, '"x-')).toBe(count(text, '"x-'));
      expect(count(textAfter, "9007199254740993123")).toBe(count(text, "9007199254740993123"));
    });
  });

  it("plans no change to a blob that exists, and names new ones by their content", async () => {
    await everyProjection(convention, runs, async ({ projection }) => {
      for (const { descriptor, text } of projection.blobs) {
        const bytes = new TextEncoder().encode(text);
        expect(digestOf(bytes)).toBe(descriptor.digest);
        expect(bytes.length).toBe(descriptor.size);
      }
    });
  });

  it("refuses to overwrite a tag that is in use", async () => {
    const builder = new LayoutBuilder();
    const subject = builder.image();
    const referrer = builder.referrer(subject);
    const mine = builder.image();
    builder
      .entry(subject, { tag: "v1" })
      .entry(mine, { tag: referrersTag(subject.digest) })
      .listed(referrer);
    const view = await openView(builder.layout());
    const projection = await convention.project(await readGraph(view), view);
    const after = projectedView(view, projectedText(builder.text(), projection), projection.blobs);
    const holders = after.entries.filter((e) => e.tag === referrersTag(subject.digest));
    expect(holders.map((e) => e.descriptor.digest)).toEqual([mine.digest]);
    if (projection.refusals.length + projection.losses.length === 0) expect(await statedBy(convention, after)).not.toEqual([]);
  });
}

/** A convention with records of its own removes exactly what it added. */
function describeRecords(convention: Convention, runs: { numRuns: number }): void {
  it("withdraw(project(g)) gives back index.json byte for byte", async () => {
    await everyRoundTrip(convention, runs, ({ built, text, back }) => {
      const { shape, nEdges } = convention.traits;
      expect(shape === "individual" && nEdges ? withoutPlainEntries(back, built, text) : back).toBe(text);
    });
  });

  it("keeps the bytes and the order of foreign entries, adding and withdrawing", async () => {
    await everyRoundTrip(convention, runs, ({ built, there, back }) => {
      expect(foreignIn(there, built)).toEqual(built.foreign);
      expect(foreignIn(back, built)).toEqual(built.foreign);
    });
  });
}

/** A convention that uses real tags, or annotations on the subjects, may leave some in place but removes nothing that existed before. */
function describeAnnotations(convention: Convention, runs: { numRuns: number }): void {
  it("keeps the content and the order of existing entries, adding and withdrawing", async () => {
    await everyRoundTrip(convention, runs, ({ text, there, back }) => {
      expect(missingFrom(there, text)).toEqual([]);
      expect(missingFrom(back, text)).toEqual([]);
    });
  });
}

/** A convention that is only read says so. */
export async function refusesToBeTarget(convention: Convention): Promise<void> {
  for (const name of fixtureNames("layouts")) {
    const view = await openView(fixtureLayout(`layouts/${name}`));
    const graph = await readGraph(view);
    const { changes, blobs, refusals } = await convention.project(graph, view);
    expect({ changes, blobs }).toEqual({ changes: [], blobs: [] });
    if (graph.size > 0) expect(refusals).not.toEqual([]);
  }
}
