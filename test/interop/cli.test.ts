import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { copyOf, edgeName, fixture, fixtureNames, inScratch, notedEdges, trueEdges } from "./layouts.js";
import { measure } from "./measure.js";
import { suite } from "./suite.js";
import { type Outcome, runProgram } from "./tools.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url));

suite("the built command line: ocilot convert --to universal", { needs: ["oras"], built: CLI, concurrent: true }, (check) => {
  for (const name of fixtureNames().filter((n) => !n.startsWith("edge/"))) {
    check(name, async ({ expect }) => {
      await inScratch(async (here) => {
        const layout = await copyOf(fixture(name), join(here, "layout"));
        const { code, stderr } = await convert(layout);
        expect([0, 8], stderr).toContain(code); // 8: links without `subject` stay where they were
        const truth = await trueEdges(layout);
        const { finds, disagreements } = await measure(layout, truth);
        expect(disagreements).toEqual([]);
        expect(truth.map(edgeName)).toEqual((await notedEdges(name))?.toSorted());
        expect([...finds.get("oras")!].toSorted()).toEqual(truth.map(edgeName));
        const again = await convert(layout, "--check");
        expect([0, 8], again.stderr).toContain(again.code);
      });
    });
  }
});

async function convert(layout: string, ...more: string[]): Promise<Outcome> {
  return await runProgram(process.execPath, [CLI, "convert", layout, "--to", "universal", ...more]);
}
