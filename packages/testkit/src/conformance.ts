import { CONTAINERD_SUBJECT, type IndexEntry, digestOf, editIndex, parseIndex } from "@ocilot/layout";
import {
  type Convention,
  type ConventionId,
  type LayoutView,
  type Projection,
  type ReferrerGraph,
  edgeKey,
  openView,
  readGraph,
  referrersTag,
} from "@ocilot/referrers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexText, projectedText, projectedView } from "./apply-projection.js";
import { fixtureLayout, fixtureNames } from "./fixtures.js";
import { aroundEntries, rawEntries } from "./index-text.js";
import { type BuiltLayout, RECORD_STYLES, type RecordStyle, buildLayout, graphOf, layoutRecipe, propertyRuns } from "./layout-arbitrary.js";
import { LayoutBuilder } from "./layout-builder.js";

/** How the suite is run. */
export interface ConformanceOptions {
  /** How many generated layouts each law is tried on. */
  runs?: number;
}

/**
 * What every convention owes to the others, whatever it is. A new convention needs to be in the registry and nothing
 * else: the layouts come from the fixtures and from {@link layoutRecipe}.
 */
export function describeConvention(convention: Convention, options: ConformanceOptions = {}): void {
  const runs = { numRuns: options.runs ?? propertyRuns(15) };
  describe(`the convention ${convention.id}`, () => {
    describeReading(convention, runs);
    if (convention.traits.target) describeWriting(convention, runs);
    else it("refuses to be a target rather than doing half of it", async () => await refusesToBeTarget(convention));
  });
}

function describeReading(convention: Convention, runs: { numRuns: number }): void {
  it("names the entries that speak it as evidence, never a bare yes", async () => {
    await everyLayout(runs, async (view) => {
      const { entries, flags, problems } = await convention.detect(view);
      for (const { position, reason } of entries) {
        expect(view.entries[position]).toBeDefined();
        expect(reason).not.toBe("");
      }
      expect(new Set(entries.map((e) => `${e.position} ${e.reason}`)).size).toBe(entries.length);
      for (const flag of flags) expect(view.annotations).toHaveProperty([flag]);
      for (const { message } of problems) expect(message).not.toBe("");
    });
  });

  it("gives evidence for every edge that it states, from an entry that is there", async () => {
    await everyLayout(runs, async (view) => {
      for (const edge of await convention.read(view)) {
        expect(edge.evidence).not.toHaveLength(0);
        for (const { position } of edge.evidence) if (position !== undefined) expect(view.entries[position]).toBeDefined();
      }
    });
  });

  it("states S-edges only under the subject that the manifest names", async () => {
    await everyLayout(runs, async (view) => {
      for (const edge of await convention.read(view)) {
        if (edge.link !== "S" || !edge.verified) continue;
        const [node] = await view.nodes([edge.referrer]);
        expect(node).toMatchObject({ state: "read", manifest: { subject: { digest: edge.subject } } });
      }
    });
  });

  it("reads the same twice", async () => {
    await everyLayout(runs, async (view) => expect(await statedBy(convention, view)).toEqual(await statedBy(convention, view)));
  });
}

function describeWriting(convention: Convention, runs: { numRuns: number }): void {
  it("read(project(g)) is g less the projection's losses", async () => {
    await everyProjection(convention, runs, async ({ graph, projection, after }) => {
      const lost = new Set(projection.losses.map((l) => `${l.subject} ${l.referrer}`));
      const expected = graph.edges().map(edgeKey);
      const stated = await statedBy(convention, after);
      expect(stated).toEqual(expect.arrayContaining(expected.filter((key) => !lost.has(key))));
      expect(stated.filter((key) => !graph.edges().some((e) => edgeKey(e) === key))).toEqual([]);
    });
  });

  it("projects nothing more once its records are right", async () => {
    await everyProjection(convention, runs, async ({ graph, after }) => {
      const again = await convention.project(graph, after);
      expect(again.changes).toEqual([]);
      expect(again.blobs).toEqual([]);
    });
  });

  if (convention.traits.shape === "other") describeMarks(convention, runs);
  else describeRecords(convention, runs);

  it("keeps the members of index.json and of entries that nobody knows", async () => {
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

  it("refuses rather than takes a tag that somebody uses", async () => {
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

/** A convention with records of its own can take back all that it puts. */
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

/** A convention of real tags and of marks on the subjects themselves may leave some behind, but takes nothing that was there. */
function describeMarks(convention: Convention, runs: { numRuns: number }): void {
  it("keeps all that any entry says and the order of entries, adding and withdrawing", async () => {
    await everyRoundTrip(convention, runs, ({ text, there, back }) => {
      expect(missingFrom(there, text)).toEqual([]);
      expect(missingFrom(back, text)).toEqual([]);
    });
  });
}

interface RoundTrip {
  readonly built: BuiltLayout;
  readonly text: string;
  /** With the convention's records, and after they were withdrawn again. */
  readonly there: string;
  readonly back: string;
}

async function everyRoundTrip(convention: Convention, runs: { numRuns: number }, check: (trip: RoundTrip) => void): Promise<void> {
  await everyBuilt(convention, runs, async ({ built, view, text }) => {
    const graph = graphOf(built);
    const projection = await convention.project(graph, view);
    const there = projectedText(text, projection);
    const withdrawal = await convention.withdraw(graph, projectedView(view, there, projection.blobs));
    check({ built, text, there, back: projectedText(there, withdrawal) });
  });
}

/** The entries of `original` that `text` does not have, in that order, with all their members and annotations. */
function missingFrom(text: string, original: string): string[] {
  const entries = rawEntries(text).map((raw) => JSON.parse(raw) as object);
  let at = 0;
  return rawEntries(original).filter((raw) => {
    const found = entries.findIndex((entry, i) => i >= at && holds(entry, JSON.parse(raw)));
    if (found >= 0) at = found + 1;
    return found < 0;
  });
}

function holds(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return whole === part;
  return (
    typeof whole === "object" && whole !== null && Object.entries(part).every(([k, v]) => holds((whole as Record<string, unknown>)[k], v))
  );
}

async function refusesToBeTarget(convention: Convention): Promise<void> {
  for (const name of fixtureNames("layouts")) {
    const view = await openView(fixtureLayout(`layouts/${name}`));
    const graph = await readGraph(view);
    const { changes, blobs, refusals } = await convention.project(graph, view);
    expect({ changes, blobs }).toEqual({ changes: [], blobs: [] });
    if (graph.size > 0) expect(refusals).not.toEqual([]);
  }
}

interface Projected {
  readonly graph: ReferrerGraph;
  readonly projection: Projection;
  readonly text: string;
  readonly textAfter: string;
  readonly after: LayoutView;
}

/** Runs a check on each fixture and on generated layouts. */
async function everyLayout(runs: { numRuns: number }, check: (view: LayoutView, text: string) => Promise<void>): Promise<void> {
  for (const group of ["layouts", "edge"] as const) {
    for (const name of fixtureNames(group)) {
      const layout = fixtureLayout(`${group}/${name}`);
      await check(await openView(layout, { scan: true }), await indexText(layout));
    }
  }
  await fc.assert(
    fc.asyncProperty(layoutRecipe(), async (recipe) => {
      const { builder } = buildLayout(recipe);
      await check(await openView(builder.layout()), builder.text());
    }),
    runs,
  );
}

async function everyProjection(
  convention: Convention,
  runs: { numRuns: number },
  check: (projected: Projected) => Promise<void>,
): Promise<void> {
  await everyLayout(runs, async (view, text) => {
    const graph = await readGraph(view);
    const projection = await convention.project(graph, view);
    if (projection.refusals.length > 0) return;
    const textAfter = projectedText(text, projection);
    await check({ graph, projection, text, textAfter, after: projectedView(view, textAfter, projection.blobs) });
  });
}

/** Generated layouts that hold no records of this convention, and referrers that nothing lists. */
async function everyBuilt(
  convention: Convention,
  runs: { numRuns: number },
  check: (subject: { built: BuiltLayout; view: LayoutView; text: string }) => Promise<void>,
): Promise<void> {
  const recipes = layoutRecipe(foreignStyles(convention.id)).map((recipe) => ({ ...recipe, flag: false }));
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const built = buildLayout(recipe);
      await check({ built, view: await openView(built.builder.layout()), text: built.builder.text() });
    }),
    runs,
  );
}

function foreignStyles(id: ConventionId): RecordStyle[] {
  return id === "universal" ? [] : RECORD_STYLES.filter((style) => style !== id);
}

async function statedBy(convention: Convention, view: LayoutView): Promise<string[]> {
  const keys = new Set<string>();
  for (const edge of await convention.read(view)) keys.add(edgeKey(edge));
  return [...keys].toSorted();
}

/**
 * An annotation on an entry per referrer leaves that entry when it goes, and the entry is then what oras writes: whether
 * oras had written it before cannot be told. So `text` may have such entries more than the original.
 */
function withoutPlainEntries(text: string, built: BuiltLayout, original: string): string {
  const referrers = new Set<string>(built.links.map((l) => l.referrer.digest));
  const known = new Set(rawEntries(original));
  const bytes = new TextEncoder().encode(text);
  const snapshot = parseIndex(bytes, digestOf(bytes));
  const isLeft = (raw: string, e: IndexEntry): boolean =>
    !known.has(raw) && e.tag === undefined && referrers.has(e.descriptor.digest) && !raw.includes(CONTAINERD_SUBJECT);
  const left = rawEntries(text).flatMap((raw, position) => (isLeft(raw, snapshot.entries[position]!) ? [position] : []));
  return editIndex(
    snapshot,
    left.map((position) => ({ op: "remove", position })),
  );
}

function foreignIn(text: string, built: BuiltLayout): string[] {
  const wanted = new Set(built.foreign);
  return rawEntries(text).filter((entry) => wanted.has(entry));
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
