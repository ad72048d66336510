import { type ToolId, findTool, openView } from "@ocilot/referrers";
import { fixtureLayout, fixtureTruths } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import type { Digest } from "@ocilot/layout";
import { MEASURED } from "./measured.js";

/** What they found in all of these together. */
const SUM = "sum 34 22 8 24 15 1";

const TOOLS: readonly ToolId[] = ["oras", "regctl", "regctl-slow", "olareg", "containerd"];
const rows = `${MEASURED}\n${SUM}`
  .trim()
  .split("\n")
  .map((line) => line.split(/\s+/))
  .map(([name, there, ...found]) => ({ name: name!, there: Number(there), found: found.map(Number) }));

describe("the tool models say of the untouched fixtures what the real programs were seen to find", () => {
  const truths = fixtureTruths();

  for (const { name, there, found } of rows.slice(0, -1)) {
    it(`${name}: ${TOOLS.map((tool, i) => `${tool} ${found[i]}`).join(", ")} of ${there}`, async () => {
      const truth = truths[name]!;
      expect(Object.values(truth).flat()).toHaveLength(there);
      const view = await openView(fixtureLayout(`layouts/${name}`));
      const counts = await Promise.all(
        TOOLS.map(async (id) => {
          let count = 0;
          for (const [subject, referrers] of Object.entries(truth)) {
            const hits = await findTool(id)!.finds(view, subject as Digest);
            expect(referrers).toEqual(expect.arrayContaining([...hits]));
            count += hits.length;
          }
          return count;
        }),
      );
      expect(counts).toEqual(found);
    });
  }

  it("covers every fixture that has referrers, and adds up", () => {
    const withReferrers = Object.keys(truths).filter((name) => Object.keys(truths[name]!).length > 0);
    expect(rows.slice(0, -1).map((r) => r.name)).toEqual(withReferrers.toSorted());
    const sums = TOOLS.map((_, i) => rows.slice(0, -1).reduce((sum, r) => sum + r.found[i]!, 0));
    expect(sums).toEqual(rows.at(-1)!.found);
  });
});
