import { OLAREG_CONVERT } from "@ocilot/layout";
import { convert, findConvention, openView, planConversion, readGraph } from "@ocilot/referrers";
import {
  type BuiltLayout,
  aroundEntries,
  blobHashes,
  buildLayout,
  indexText,
  layoutRecipe,
  propertyRuns,
  rawEntries,
} from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NAMESAKES, SIX, foundBy, linksOf, isHeldFor } from "./helpers.js";

const runs = { numRuns: propertyRuns(25) };

/** Tries a law on generated layouts, for every target. */
async function everyLayout(law: (built: BuiltLayout, to: (typeof SIX)[number], only: boolean) => Promise<void>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      layoutRecipe(),
      fc.constantFrom(...SIX),
      fc.boolean(),
      async (recipe, to, only) => await law(buildLayout(recipe), to, only),
    ),
    runs,
  );
}

describe("laws of conversion, on generated layouts", () => {
  it("every link that was known is known afterwards, and no other", async () => {
    await everyLayout(async ({ builder }, to, only) => {
      const layout = builder.layout();
      const before = linksOf((await readGraph(await openView(layout))).edges());
      await convert(layout, { to, only });
      expect(linksOf((await readGraph(await openView(layout))).edges())).toEqual(before);
    });
  });

  it("the target's reader and its namesakes find every link but the losses, and the losses are those without subject", async () => {
    await everyLayout(async ({ builder }, to, only) => {
      const layout = builder.layout();
      const { plan } = await convert(layout, { to, only });
      const view = await openView(layout);
      const edges = (await readGraph(view)).edges();
      const lost = new Set(plan.losses.map((l) => `${l.subject} ${l.referrer}`));
      expect(edges.filter((e) => lost.has(`${e.subject} ${e.referrer.digest}`)).every((e) => e.link === "N")).toBe(true);
      const wanted = edges.filter((e) => !lost.has(`${e.subject} ${e.referrer.digest}`));
      const holds = (by: string) => wanted.filter((e) => isHeldFor(to, by, e));
      for (const by of to === "universal" ? (["universal", "containerd"] as const) : [to])
        expect(linksOf([...(await findConvention(by)!.read(view))])).toMatchObject(linksOf(holds(by)));
      for (const tool of NAMESAKES[to]) {
        const present = [];
        for (const edge of holds(tool)) if (tool !== "oras" || (await view.has(edge.subject))) present.push(edge);
        const found = await foundBy(
          tool,
          view,
          present.map((e) => e.subject),
        );
        for (const [subject, referrers] of Object.entries(linksOf(present)))
          expect(found[subject], tool).toEqual(expect.arrayContaining(referrers));
      }
    });
  });

  it("after universal all five programs find the same", async () => {
    await everyLayout(async ({ builder }) => {
      const layout = builder.layout();
      await convert(layout, { to: "universal", only: true });
      const view = await openView(layout);
      const edges = (await readGraph(view)).edges().filter((e) => e.link === "S");
      const present = [];
      for (const edge of edges) if (await view.has(edge.subject)) present.push(edge);
      for (const tool of NAMESAKES.universal) {
        const asked = tool === "oras" ? present : edges;
        const found = await foundBy(
          tool,
          view,
          asked.map((e) => e.subject),
        );
        for (const [subject, referrers] of Object.entries(linksOf(asked)))
          expect(found[subject], tool).toEqual(expect.arrayContaining(referrers));
      }
    });
  });

  it("a second run writes nothing", async () => {
    await everyLayout(async ({ builder }, to, only) => {
      const layout = builder.layout();
      await convert(layout, { to, only });
      const text = await indexText(layout);
      const again = await convert(layout, { to, only });
      expect(again.changed).toBe(false);
      expect(again.plan.steps).toEqual([]);
      expect(await indexText(layout)).toBe(text);
    });
  });

  it("no blob changes or goes, and nothing gets out of reach", async () => {
    await everyLayout(async ({ builder }, to, only) => {
      const layout = builder.layout();
      const before = await blobHashes(layout);
      const lists = new Set(await listDigests(builder));
      const reach = async (): Promise<string[]> => [
        ...new Set((await (await openView(layout)).reach()).map((r) => r.node.descriptor.digest)),
      ];
      const reached = (await reach()).filter((digest) => !lists.has(digest));
      await convert(layout, { to, only });
      const after = await blobHashes(layout);
      expect(new Map([...after].filter(([digest]) => before.has(digest)))).toEqual(before);
      expect(await reach()).toEqual(expect.arrayContaining(reached));
    });
  });

  it("foreign entries keep their bytes and order, and what stands around the entries its bytes", async () => {
    await everyLayout(async ({ builder, foreign }, to, only) => {
      const layout = builder.layout();
      await convert(layout, { to, only });
      const text = await indexText(layout);
      expect(rawEntries(text).filter((raw) => foreign.includes(raw))).toEqual(foreign);
      expect(aroundEntries(text).before).toBe(aroundEntries(builder.text()).before);
      const { annotations, ...rest } = JSON.parse(text) as { annotations?: Record<string, string> };
      const { annotations: old, ...oldRest } = JSON.parse(builder.text()) as { annotations?: Record<string, string> };
      expect({ ...rest, manifests: [] }).toEqual({ ...oldRest, manifests: [] });
      const kept = Object.entries(old ?? {}).filter(([key]) => key !== OLAREG_CONVERT);
      expect(annotations ?? {}).toMatchObject(Object.fromEntries(kept));
    });
  });

  it("unknown members and annotations of records are kept too", async () => {
    await everyLayout(async ({ builder }, to, only) => {
      const layout = builder.layout();
      await convert(layout, { to, only });
      for (const mark of ['"x-note"', '"x-tagged"', '"org.example.note"', "9007199254740993123"])
        expect((await indexText(layout)).split(mark).length, mark).toBe(builder.text().split(mark).length);
    });
  });

  it("a plan over a snapshot is plain data and says the same each time", async () => {
    await everyLayout(async ({ builder }, to, only) => {
      const layout = builder.layout();
      const plan = await planConversion(layout, { to, only });
      expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
      expect(await planConversion(layout, { to, only })).toEqual(plan);
      expect(await indexText(layout)).toBe(builder.text());
    });
  });

  it("any walk through the six that ends in oras --only ends in the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(layoutRecipe(), fc.array(fc.constantFrom(...SIX), { minLength: 1, maxLength: 4 }), async (recipe, walk) => {
        const { builder } = buildLayout(recipe);
        const [direct, wandering] = [builder.layout(), builder.layout()];
        for (const layout of [direct, wandering]) {
          await convert(layout, { to: "regclient", only: true });
          await convert(layout, { to: "oras", only: true });
        }
        for (const to of walk) await convert(wandering, { to, only: true });
        await convert(wandering, { to: "oras", only: true });
        expect(await indexText(wandering)).toBe(await indexText(direct));
      }),
      runs,
    );
  });
});

async function listDigests(builder: BuiltLayout["builder"]): Promise<string[]> {
  const entries = builder.entries as { digest: string; annotations?: Record<string, string> }[];
  return entries
    .filter(({ annotations = {} }) =>
      Object.entries(annotations).some(([key, value]) => key.endsWith("referrer.subject") || /^sha(256|512)-[0-9a-f]{64}$/.test(value)),
    )
    .map((e) => e.digest);
}
