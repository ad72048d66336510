import { type ToolId, doctor, findTool, openView } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, fixtureTruths } from "@ocilot/testkit";
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

describe("models against what the real programs were seen to do", () => {
  it("oras resolves a subject in index.json: one whose blob is missing is asked for all the same", async () => {
    const builder = new LayoutBuilder();
    const [listed, absent] = [builder.image(), builder.image()];
    const referrers = [listed, absent].map((image) => builder.referrer(image));
    builder.entry(listed, { tag: "v1" });
    for (const referrer of referrers) builder.listed(referrer);
    builder.forget(listed).forget(absent);
    const view = await openView(builder.layout());
    expect(await findTool("oras")!.finds(view, listed.digest)).toEqual([referrers[0]!.digest]);
    expect(await findTool("oras")!.finds(view, absent.digest)).toEqual([]);
    const { tools } = await doctor(builder.layout());
    expect(tools.find((t) => t.id === "oras")).toMatchObject({ total: 1, found: 1 });
  });

  it("regctl --slow-referrers does not list an ORAS artifact manifest that has only an entry", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const [plain, withdrawn] = [builder.referrer(image), builder.referrer(image, { shape: "oras-artifact" })];
    builder.entry(image, { tag: "v1" }).listed(plain).listed(withdrawn);
    expect(await findTool("regctl-slow")!.finds(await openView(builder.layout()), image.digest)).toEqual([plain.digest]);
  });
});
