import { CONTAINERD_SUBJECT, type Digest, type Layout, OLAREG_SUBJECT } from "@ocilot/layout";
import {
  type ListOptions,
  type ReferrerEdge,
  convert,
  viewOfSubject,
  listReferrers,
  openView,
  readGraph,
  referrersTag,
} from "@ocilot/referrers";
import { LayoutBuilder, buildLayout, fixtureLayout, fixtureNames, layoutRecipe, propertyRuns } from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SIX } from "./helpers.js";

/** What is said of each subject when the layout is read whole, and when it is read for that subject alone. */
async function bothWays(layout: Layout): Promise<{ whole: ReferrerEdge[][]; focused: ReferrerEdge[][] }> {
  const view = await openView(layout);
  const graph = await readGraph(view);
  const whole: ReferrerEdge[][] = [];
  const focused: ReferrerEdge[][] = [];
  for (const subject of graph.subjects()) {
    whole.push([...graph.of(subject)]);
    const alone = await readGraph(viewOfSubject(await openView(layout), subject));
    focused.push([...alone.of(subject)]);
  }
  return { whole, focused };
}

describe("reading for one subject alone", () => {
  it.each([...fixtureNames("layouts").map((name) => `layouts/${name}`), ...fixtureNames("edge").map((name) => `edge/${name}`)])(
    "finds in %s what reading all of it finds",
    async (name) => {
      const { whole, focused } = await bothWays(fixtureLayout(name));
      expect(focused).toEqual(whole);
    },
  );

  it("finds the same in generated layouts, as they are and converted", async () => {
    await fc.assert(
      fc.asyncProperty(layoutRecipe(), fc.constantFrom(undefined, ...SIX), async (recipe, to) => {
        const layout = buildLayout(recipe).builder.layout();
        if (to !== undefined) await convert(layout, { to, only: true });
        const { whole, focused } = await bothWays(layout);
        expect(focused.map((edges) => edges.map((e) => e.referrer.digest))).toEqual(
          whole.map((edges) => edges.map((e) => e.referrer.digest)),
        );
      }),
      { numRuns: propertyRuns(60) },
    );
  });

  it("opens nothing of other subjects that say so", async () => {
    const builder = new LayoutBuilder();
    const [a, b] = [builder.image(), builder.image()];
    builder.entry(a, { tag: "a" }).entry(b, { tag: "b" });
    const [mine, marked, listed] = [builder.referrer(a), builder.referrer(b), builder.referrer(b)];
    const lists = [builder.list([mine]), builder.list([listed])];
    builder.listed(marked, { [CONTAINERD_SUBJECT]: b.digest });
    builder.entry(lists[0]!, { annotations: { [OLAREG_SUBJECT]: a.digest } });
    builder.entry(lists[1]!, { tag: referrersTag(b.digest), annotations: { [OLAREG_SUBJECT]: b.digest } });
    const layout = builder.layout();
    const opened = new Set<Digest>();
    const { bytesMany } = layout.blobs;
    layout.blobs.bytesMany = async (ds, options) => {
      for (const d of ds) opened.add(d.digest);
      return await bytesMany.call(layout.blobs, ds, options);
    };
    expect(await referrersOf(layout, a.digest)).toEqual([mine.digest]);
    expect([...opened].toSorted()).toEqual([a, b, mine, lists[0]!].map((d) => d.digest).toSorted());
  });

  it("follows a record of something that is not listed itself: it may be what leads to a referrer", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const middle = builder.referrer(image);
    const top = builder.referrer(middle);
    builder.entry(image, { tag: "a" }).listed(top, { [CONTAINERD_SUBJECT]: middle.digest });
    expect(await referrersOf(builder.layout(), image.digest)).toEqual([middle.digest]);
  });

  it("an image index with a tag made of its own digest is no list, and its children are read", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const attestation = builder.referrer(image);
    const index = builder.imageIndex([image, attestation]);
    builder.entry(index, { tag: referrersTag(index.digest) });
    expect(await referrersOf(builder.layout(), image.digest)).toEqual([attestation.digest]);
  });

  it("what is nested in an index is found wherever that index is recorded", async () => {
    const builder = new LayoutBuilder();
    const [x, platform] = [builder.image(), builder.image()];
    const attestation = builder.referrer(platform);
    const nested = builder.imageIndex([platform, attestation], { subject: x });
    builder.entry(x, { tag: "x" }).entry(builder.list([nested]), { tag: referrersTag(x.digest) });
    expect(await referrersOf(builder.layout(), platform.digest)).toEqual([attestation.digest]);
  });

  it("what stands under a wrong mark alone takes a scan", async () => {
    const builder = new LayoutBuilder();
    const [a, b] = [builder.image(), builder.image()];
    const referrer = builder.referrer(a);
    builder
      .entry(a, { tag: "a" })
      .entry(b, { tag: "b" })
      .listed(referrer, { [CONTAINERD_SUBJECT]: b.digest });
    const layout = builder.layout();
    expect(await referrersOf(layout, a.digest)).toEqual([]);
    expect(await referrersOf(layout, a.digest, { scan: true })).toEqual([referrer.digest]);
    expect((await readGraph(await openView(layout))).of(a.digest).map((e) => e.referrer.digest)).toEqual([referrer.digest]);
  });
});

async function referrersOf(layout: Layout, subject: Digest, options: ListOptions = {}): Promise<Digest[]> {
  const found: Digest[] = [];
  for await (const referrer of listReferrers(layout, subject, options)) found.push(referrer.descriptor.digest);
  return found;
}
