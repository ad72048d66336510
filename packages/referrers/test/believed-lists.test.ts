import { type Descriptor, type Digest, type Layout, OLAREG_SUBJECT } from "@ocilot/layout";
import {
  type Referrer,
  type ReferrerEdge,
  collectGarbage,
  convert,
  copyLayout,
  listReferrers,
  openView,
  readGraph,
  readSubject,
  referrersTag,
  resolveReferrers,
  verifyLayout,
} from "@ocilot/referrers";
import { LayoutBuilder, buildLayout, fixtureLayout, fixtureNames, layoutRecipe, propertyRuns, tempDir } from "@ocilot/testkit";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const TYPE = "application/vnd.example.sbom";

describe("a list that is taken at its word", () => {
  it.each(["regclient", "olareg", "image-spec", "universal"] as const)(
    "%s: says what opening everything says, of layouts whose lists are right",
    async (to) => {
      await fc.assert(
        fc.asyncProperty(layoutRecipe(), async (recipe) => {
          const layout = buildLayout(recipe).builder.layout();
          await convert(layout, { to, only: true });
          const view = await openView(layout);
          for (const subject of (await readGraph(view)).subjects()) {
            const opened = await readSubject(view, subject, { verifyUpTo: Infinity });
            const believed = await readSubject(await openView(layout), subject, { verifyUpTo: 0 });
            expect(believed.of(subject).map(worth)).toEqual(opened.of(subject).map(worth));
          }
        }),
        { numRuns: propertyRuns(20) },
      );
    },
  );

  it.each([...fixtureNames("layouts").map((name) => `layouts/${name}`), ...fixtureNames("edge").map((name) => `edge/${name}`)])(
    "%s: leaves out no link that opening finds, and adds only unopened ones",
    async (name) => {
      const layout = fixtureLayout(name);
      const view = await openView(layout);
      for (const subject of (await readGraph(view)).subjects()) {
        const opened = (await readSubject(view, subject, { verifyUpTo: Infinity })).of(subject);
        const believed = (await readSubject(await openView(layout), subject, { verifyUpTo: 0 })).of(subject);
        const digests = new Set(opened.map((e) => e.referrer.digest));
        expect(believed.map((e) => e.referrer.digest)).toEqual(expect.arrayContaining([...digests]));
        expect(believed.filter((e) => !digests.has(e.referrer.digest) && e.unopened !== true)).toEqual([]);
      }
    },
  );

  it("opens the list and nothing that it names", async () => {
    const { layout, image, list } = longList(3);
    const opened = spy(layout);
    const found = await referrersOf(layout, image.digest, 2);
    expect(found.map((r) => [r.verified, r.unopened, r.descriptor.artifactType])).toEqual(found.map(() => [false, true, TYPE]));
    expect(found).toHaveLength(3);
    expect([...opened].toSorted()).toEqual([image.digest, list.digest].toSorted());
  });

  it("opens everything of a list that is not longer than the limit", async () => {
    const { layout, image } = longList(3);
    const found = await referrersOf(layout, image.digest, 3);
    expect(found.map((r) => [r.verified, "unopened" in r])).toEqual(found.map(() => [true, false]));
  });

  it("by default up to 256 lines", async () => {
    for (const [count, verified] of [
      [256, true],
      [257, false],
    ] as const) {
      const { layout, image } = longList(count);
      const found = await referrersOf(layout, image.digest);
      expect([found.length, ...new Set(found.map((r) => r.verified))]).toEqual([count, verified]);
    }
  });

  it("with recursive and scan everything is opened", async () => {
    const { layout, image } = longList(257);
    for (const options of [{ recursive: true }, { scan: true }]) {
      const found: Referrer[] = [];
      for await (const r of listReferrers(layout, image.digest, options)) found.push(r);
      expect([found.length, found.every((r) => r.verified)]).toEqual([257, true]);
    }
  });

  it("opens what a line does not tell: no type, an index, two lines of one digest that differ", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const [plain, untyped, index, twice] = [
      builder.referrer(image),
      builder.referrer(image),
      builder.referrer(image, { shape: "index" }),
      builder.referrer(image),
    ];
    const { artifactType: _, ...bare } = builder.line(untyped!);
    const lines = [
      builder.line(plain!),
      bare,
      builder.line(index!),
      builder.line(twice!),
      { ...builder.line(twice!), artifactType: "x/y" },
    ];
    builder.entry(image, { tag: "v1" }).entry(builder.list(lines, { exact: false }), { tag: referrersTag(image.digest) });
    const found = await referrersOf(builder.layout(), image.digest, 0);
    const unopened = found.filter((r) => r.unopened).map((r) => r.descriptor.digest);
    expect([found.length, unopened]).toEqual([4, [plain!.digest]]);
    expect(found.map((r) => r.descriptor.artifactType)).toEqual([TYPE, TYPE, TYPE, TYPE]);
  });

  it("does not believe an index with platforms, nor one with a tag made of its own digest", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const child = { ...builder.line(builder.image()), artifactType: "x/y" };
    const withPlatform = builder.list([{ ...child, platform: { os: "linux", architecture: "amd64" } }], { exact: false });
    builder.entry(image, { tag: "v1" }).entry(withPlatform, { tag: referrersTag(image.digest) });
    const own = builder.list([child], { exact: false });
    builder.entry(own, { tag: referrersTag(own.digest) });
    const layout = builder.layout();
    expect(await referrersOf(layout, image.digest, 0)).toEqual([]);
    expect(await referrersOf(layout, own.digest, 0)).toEqual([]);
  });

  it("a kind that the list does not tell is looked for in the manifest", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const layer = builder.blob("{}", "application/spdx+json");
    const [known, unknown] = [builder.referrer(image), builder.referrer(image, { artifactType: "x/y", members: { layers: [layer] } })];
    builder.entry(image, { tag: "v1" }).entry(builder.list([known!, unknown!]), { tag: referrersTag(image.digest) });
    const layout = builder.layout();
    const view = await openView(layout);
    const edges = (await readSubject(view, image.digest, { verifyUpTo: 0 })).of(image.digest);
    const opened = spy(layout);
    const statements = await resolveReferrers(view, edges, layout.blobs);
    expect(statements.get(known!.digest)).toEqual([{ wrapping: "layer", kind: "sbom" }]);
    expect(statements.get(unknown!.digest)).toMatchObject([{ kind: "sbom", format: "spdx", layer: { digest: layer.digest } }]);
    expect([...opened]).toEqual([unknown!.digest]);
  });
});

describe("a list that lies", () => {
  /** A wrong artifact type, a manifest of another subject, a blob that is absent, and one right line. */
  function lying(): {
    builder: LayoutBuilder;
    image: Descriptor;
    other: Descriptor;
    lines: Record<string, Descriptor>;
    told: Record<string, object>;
    list: Descriptor;
  } {
    const builder = new LayoutBuilder();
    const [image, other] = [builder.image(), builder.image()];
    const lines = {
      right: builder.referrer(image),
      retyped: builder.referrer(image),
      foreign: builder.referrer(other),
      absent: builder.referrer(image),
    };
    const told = Object.fromEntries(
      Object.entries(lines).map(([name, d]) => [name, { ...builder.line(d), ...(name === "retyped" && { artifactType: "x/lie" }) }]),
    );
    const list = builder.list(Object.values(told), { exact: false });
    const annotations = { [OLAREG_SUBJECT]: image.digest };
    builder
      .entry(image, { tag: "v1" })
      .entry(other, { tag: "v2" })
      .entry(list, { tag: referrersTag(image.digest), annotations });
    builder.forget(lines.absent);
    return { builder, image, other, lines, told, list };
  }

  it("is shown as unverified, and an absent blob is told apart", async () => {
    const { builder, image, lines } = lying();
    const found = new Map((await referrersOf(builder.layout(), image.digest, 0)).map((r) => [r.descriptor.digest, r]));
    expect(found.size).toBe(4);
    expect([...found.values()].some((r) => r.verified)).toBe(false);
    expect([...found.values()].filter((r) => !r.unopened).map((r) => r.descriptor.digest)).toEqual([lines["absent"]!.digest]);
    expect(found.get(lines["retyped"]!.digest)!.descriptor.artifactType).toBe("x/lie");
  });

  it("is seen through where everything is opened", async () => {
    const { builder, image, lines } = lying();
    const found = await referrersOf(builder.layout(), image.digest, Infinity);
    expect(found.map((r) => r.descriptor.digest)).toEqual(
      [lines["right"]!, lines["retyped"]!, lines["absent"]!].map((d) => d.digest).toSorted(),
    );
    expect(found.find((r) => r.descriptor.digest === lines["retyped"]!.digest)!.descriptor.artifactType).toBe(TYPE);
  });

  it("whose bytes do not have its digest is no list", async () => {
    const { builder, image, list } = lying();
    builder.blobs.set(list.digest, new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, manifests: [] })));
    expect(await referrersOf(builder.layout(), image.digest, 0)).toEqual([]);
  });

  it.each(["retyped", "foreign", "absent"])("is found by verify if the only lie is: %s", async (lie) => {
    const { builder, image, lines, told } = lying();
    builder.entries.pop();
    builder.entry(builder.list([told["right"]!, told[lie]!] as Record<string, unknown>[], { exact: false }), {
      tag: referrersTag(image.digest),
    });
    const { findings } = await verifyLayout(builder.layout());
    const code = lie === "absent" ? "BLOB_MISSING" : "RECORD_STALE";
    const about = findings.filter((f) => f.code === code && (f.digest === lines["absent"]!.digest || f.position === 2));
    expect(about).toHaveLength(1);
  });

  it("makes convert, copy and gc lose nothing", async () => {
    const { builder, image, other, lines } = lying();
    const layout = await builder.directory(join(tempDir(), "layout"));
    const truth = async (of: Layout): Promise<Digest[][]> => {
      const graph = await readGraph(await openView(of));
      return [image, other].map(({ digest }) => graph.of(digest).flatMap((e) => (e.verified ? e.referrer.digest : [])));
    };
    const expected = [[lines["right"]!.digest, lines["retyped"]!.digest].toSorted(), [lines["foreign"]!.digest]];
    expect(await truth(layout)).toEqual(expected);
    await collectGarbage(layout, { grace: 0 });
    expect(await truth(layout)).toEqual(expected);
    await convert(layout, { to: "universal" });
    expect(await truth(layout)).toEqual(expected);
    const copy = await new LayoutBuilder().directory(join(tempDir(), "copy"));
    await copyLayout(layout, copy, { allowMissing: true });
    expect(await truth(copy)).toEqual(expected);
    await convert(layout, { to: "oras", only: true });
    expect(await truth(layout)).toEqual(expected);
  });
});

function worth({ referrer, link, artifactType, annotations, legacy }: ReferrerEdge): object {
  return { referrer, link, artifactType, annotations, legacy };
}

function longList(count: number): { layout: Layout; image: Descriptor; list: Descriptor } {
  const builder = new LayoutBuilder();
  const image = builder.image();
  const list = builder.list(Array.from({ length: count }, () => builder.referrer(image)));
  builder.entry(image, { tag: "v1" }).entry(list, { tag: referrersTag(image.digest) });
  return { layout: builder.layout(), image, list };
}

/** What is opened from now on. */
function spy(layout: Layout): Set<Digest> {
  const opened = new Set<Digest>();
  const { bytesMany } = layout.blobs;
  layout.blobs.bytesMany = async (ds, options) => {
    for (const d of ds) opened.add(d.digest);
    return await bytesMany.call(layout.blobs, ds, options);
  };
  return opened;
}

async function referrersOf(layout: Layout, subject: Digest, verifyUpTo?: number): Promise<Referrer[]> {
  const found: Referrer[] = [];
  for await (const r of listReferrers(layout, subject, { ...(verifyUpTo !== undefined && { verifyUpTo }) })) found.push(r);
  return found;
}
