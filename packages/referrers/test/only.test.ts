import type { Layout } from "@ocilot/layout";
import { convert } from "@ocilot/referrers";
import { buildLayout, fixtureLayout, fixtureNames, indexText, layoutRecipe, propertyRuns } from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SIX, makeCanonical } from "./helpers.js";

const pairs = SIX.flatMap((a) => SIX.filter((b) => b !== a).map((b) => [a, b] as const));

/**
 * What cosign save wrote has links without `subject`. Only containerd's annotation can take them over, and then cosign's
 * own records go; no other convention could give them back. Such a layout is not canonical for anything else.
 */
const MOVES_LINKS = new Set(["cosign-save"]);

describe.each(pairs)("--only from canonical %s to %s and back gives the same bytes", (a, b) => {
  it.each(fixtureNames("layouts").filter((name) => b !== "containerd" || !MOVES_LINKS.has(name)))("fixture %s", async (name) => {
    const layout = fixtureLayout(`layouts/${name}`);
    await makeCanonical(layout, a);
    await roundTrip(layout, a, b);
  });

  it("generated layouts", async () => {
    await fc.assert(
      fc.asyncProperty(layoutRecipe(), async (recipe) => {
        const layout = buildLayout(recipe).builder.layout();
        await makeCanonical(layout, a);
        await roundTrip(layout, a, b);
      }),
      { numRuns: propertyRuns(5) },
    );
  });
});

async function roundTrip(layout: Layout, a: (typeof SIX)[number], b: (typeof SIX)[number]): Promise<void> {
  const before = await indexText(layout);
  const there = await convert(layout, { to: b, only: true });
  const back = await convert(layout, { to: a, only: true });
  expect(await indexText(layout)).toBe(before);
  expect(there.plan.refusals).toEqual([]);
  expect(back.plan.refusals).toEqual([]);
}
