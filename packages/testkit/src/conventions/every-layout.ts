import {
  type Convention,
  type ConventionId,
  type LayoutView,
  type Projection,
  type ReferrerGraph,
  edgeKey,
  openView,
  readGraph,
} from "@ocilot/referrers";
import fc from "fast-check";
import { indexText, projectedText, projectedView } from "../apply-projection.js";
import { fixtureLayout, fixtureNames } from "../fixtures.js";
import { type BuiltLayout, RECORD_STYLES, type RecordStyle, buildLayout, graphOf, layoutRecipe } from "../layout-arbitrary.js";

/** A layout, what a convention makes of its graph, and the layout after that. */
export interface Projected {
  readonly graph: ReferrerGraph;
  readonly projection: Projection;
  readonly text: string;
  readonly textAfter: string;
  readonly after: LayoutView;
}

/** Runs a check on each fixture and on generated layouts. */
export async function everyLayout(runs: { numRuns: number }, check: (view: LayoutView, text: string) => Promise<void>): Promise<void> {
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

/** As {@link everyLayout}, with what a convention that refuses nothing makes of each. */
export async function everyProjection(
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
export async function everyBuilt(
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

/** A layout before a convention adds its records, with them, and after they were withdrawn. */
export interface RoundTrip {
  readonly built: BuiltLayout;
  readonly text: string;
  /** The text with the convention's records, and after they were withdrawn again. */
  readonly there: string;
  readonly back: string;
}

/** Adds the records of a convention to generated layouts and withdraws them again. */
export async function everyRoundTrip(convention: Convention, runs: { numRuns: number }, check: (trip: RoundTrip) => void): Promise<void> {
  await everyBuilt(convention, runs, async ({ built, view, text }) => {
    const graph = graphOf(built);
    const projection = await convention.project(graph, view);
    const there = projectedText(text, projection);
    const withdrawal = await convention.withdraw(graph, projectedView(view, there, projection.blobs));
    check({ built, text, there, back: projectedText(there, withdrawal) });
  });
}

/** The edges that a convention reads, sorted. */
export async function statedBy(convention: Convention, view: LayoutView): Promise<string[]> {
  const keys = new Set<string>();
  for (const edge of await convention.read(view)) keys.add(edgeKey(edge));
  return [...keys].toSorted();
}
