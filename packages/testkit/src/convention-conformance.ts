import type { Convention } from "@ocilot/referrers";
import { describe, it } from "vitest";
import { describeReading } from "./conventions/reading.js";
import { describeWriting, refusesToBeTarget } from "./conventions/writing.js";
import { propertyRuns } from "./layout-arbitrary.js";

/** Options of {@link describeConvention}. */
export interface ConformanceOptions {
  /** The number of generated layouts that each law is tested on. */
  runs?: number;
}

/**
 * The tests that every convention must pass. The layouts come from the fixtures and from {@link layoutRecipe}, so a new
 * convention needs no test data of its own.
 */
export function describeConvention(convention: Convention, options: ConformanceOptions = {}): void {
  const runs = { numRuns: options.runs ?? propertyRuns(15) };
  describe(`the convention ${convention.id}`, () => {
    describeReading(convention, runs);
    if (convention.traits.target) describeWriting(convention, runs);
    else it("refuses to be a conversion target", async () => await refusesToBeTarget(convention));
  });
}
