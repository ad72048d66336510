import { CONTAINERD_SUBJECT, type Descriptor, type Digest, type Layout } from "@ocilot/layout";
import { type Convention, attach, convert, listReferrers, openView, readGraph, referrersTag, withConventions } from "@ocilot/referrers";
import { LayoutBuilder, type LayoutRecipe, buildLayout, layoutRecipe, propertyRuns } from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const NEW = { artifactType: "application/vnd.example.new", created: "2026-01-01T00:00:00Z" };

const REFERRER = { shape: "image", artifactType: "application/spdx+json", annotations: {}, tagged: false, decorated: false } as const;

/** Beside a convention from outside everything is read and projected. */
const NOTHING: Convention = {
  id: "example.org/nothing",
  title: "nothing",
  traits: { shape: "other", nEdges: false, target: false },
  detect: async () => ({ entries: [], flags: [], problems: [] }),
  read: async () => [],
  project: async () => ({ changes: [], blobs: [], losses: [], refusals: [], kept: [] }),
  withdraw: async () => ({ changes: [], blobs: [], losses: [], refusals: [], kept: [] }),
};

/** The list of a sha512 subject has a shortened tag and one annotation, and another list of it has the other annotation. */
const SHORTENED_TAG_AND_TWO_ANNOTATIONS: LayoutRecipe = {
  images: [{ platforms: 0, entry: "tagged", sha512: true, present: false }],
  referrers: [
    { ...REFERRER, subject: 0, sha512: false, recordedBy: ["regclient"] },
    { ...REFERRER, subject: 9, sha512: true, recordedBy: ["olareg"] },
    { ...REFERRER, subject: 0, sha512: true, recordedBy: ["olareg"] },
  ],
  foreign: [],
  order: Array.from({ length: 60 }, () => 0),
  flag: false,
  created: false,
  style: { indent: "", end: "", bare: false },
};

/** Recorded by one tool and converted, so that nothing but the new entry has to be written. */
const PLAIN: LayoutRecipe = {
  ...SHORTENED_TAG_AND_TWO_ANNOTATIONS,
  images: [{ platforms: 0, entry: "tagged", sha512: false, present: true }],
  referrers: [{ ...REFERRER, subject: 0, sha512: false, recordedBy: ["oras"] }],
};

/** Half of them without what makes attaching read everything. */
const recipes = fc.oneof(
  layoutRecipe(),
  layoutRecipe(["oras"]).map((recipe): LayoutRecipe => ({ ...recipe, foreign: [] })),
);

describe("attaching to a subject whose records are settled", () => {
  it("writes what projecting everything writes, in generated layouts", async () => {
    let short = 0;
    await fc.assert(
      fc.asyncProperty(recipes, fc.nat(), async (recipe, pick) => {
        const one = buildLayout(recipe).builder.layout();
        await convert(one, { to: "universal", only: true });
        const subjects = (await readGraph(await openView(one))).subjects();
        const present: Digest[] = [];
        for (const s of subjects) if (await one.blobs.has(s)) present.push(s);
        const subject = present[pick % Math.max(present.length, 1)];
        if (subject === undefined) return;
        const other = buildLayout(recipe).builder.layout();
        await convert(other, { to: "universal", only: true });
        withConventions(other, [NOTHING]);
        const opened = spy(one);
        const [a, b] = [await outcome(one, subject), await outcome(other, subject)];
        // An entry that lies about its subject stands where it says for the one, and is foreign for the other: the new entry's neighbours differ.
        if (!recipe.foreign.includes("annotation-only")) expect(a).toEqual(b);
        else expect({ ...a, text: sortedEntries(a.text) }).toEqual({ ...b, text: sortedEntries(b.text) });
        const referrers = (await readGraph(await openView(other))).of(subject);
        if (a.code === undefined && !referrers.some((e) => opened.has(e.referrer.digest))) short++;
      }),
      { numRuns: propertyRuns(100), examples: [SHORTENED_TAG_AND_TWO_ANNOTATIONS, PLAIN].map((recipe) => [recipe, 0]) },
    );
    expect(short).toBeGreaterThan(0);
  });

  it("opens none of the referrers that are recorded", async () => {
    const { layout, image, referrers } = await settled();
    const opened = spy(layout);
    const added = await attach(layout, image.digest, NEW);
    expect(referrers.filter((d) => opened.has(d.digest))).toEqual([]);
    expect(await found(layout, image.digest)).toEqual([...referrers, added].map((d) => d.digest).toSorted());
    expect(await convert(layout, { to: "universal" })).toMatchObject({ changed: false });
  });

  it.each([
    ["a referrer that oras added", (b: LayoutBuilder, image: Descriptor) => void b.listed(b.referrer(image))],
    ["a tagged referrer that has no record", (b: LayoutBuilder, image: Descriptor) => void b.entry(b.referrer(image), { tag: "sbom" })],
    [
      "a referrer in an image index",
      (b: LayoutBuilder, image: Descriptor) => void b.entry(b.imageIndex([b.referrer(image)]), { tag: "i" }),
    ],
    [
      "a marked entry that the list lacks",
      (b: LayoutBuilder, image: Descriptor) => void b.listed(b.referrer(image), { [CONTAINERD_SUBJECT]: image.digest }),
    ],
    [
      "a second list",
      (b: LayoutBuilder, image: Descriptor) => void b.entry(b.list([b.referrer(image)]), { tag: `x:${referrersTag(image.digest)}` }),
    ],
    [
      "a list under a shortened tag",
      (b: LayoutBuilder, image: Descriptor) => {
        const other = b.image({ algorithm: "sha512" });
        b.entry(b.list([b.referrer(other), b.referrer(image)]), { tag: referrersTag(other.digest) });
      },
    ],
    [
      "a signature under a tag of cosign",
      (b: LayoutBuilder, image: Descriptor) => void b.entry(b.image(), { tag: `${referrersTag(image.digest)}.sig` }),
    ],
  ])("beside %s everything is read, and recorded too", async (_, change) => {
    const { layout, image, referrers } = await settled(change);
    const before = await found(layout, image.digest);
    const opened = spy(layout);
    const added = await attach(layout, image.digest, NEW);
    expect(referrers.every((d) => opened.has(d.digest))).toBe(true);
    expect(await found(layout, image.digest)).toEqual([...before, added.digest].toSorted());
    expect(await convert(layout, { to: "universal" })).toMatchObject({ changed: false });
  });

  it("beside a list that lies nothing is lost", async () => {
    const { layout, image, referrers, builder } = await settled();
    const [first] = referrers;
    // Its entry and its line say so too, and its manifest is not there.
    builder.forget(first!);
    await layout.blobs.delete(first!.digest);
    const { entries } = await layout.index.read();
    const added = await attach(layout, image.digest, NEW);
    const after = await layout.index.read();
    expect(after.entries.map((e) => e.descriptor.digest)).toEqual(
      expect.arrayContaining([...referrers.map((d) => d.digest), added.digest]),
    );
    expect(after.entries).toHaveLength(entries.length + 1);
  });
});

async function settled(
  change: (builder: LayoutBuilder, image: Descriptor) => void = () => undefined,
): Promise<{ layout: Layout; image: Descriptor; referrers: Descriptor[]; builder: LayoutBuilder }> {
  const builder = new LayoutBuilder();
  const [image, other] = [builder.image(), builder.image()];
  builder.entry(image, { tag: "v1" }).entry(other, { tag: "v2" });
  const referrers = [builder.referrer(image), builder.referrer(image), builder.referrer(image)];
  for (const d of [...referrers, builder.referrer(other)]) builder.listed(d);
  const first = builder.layout();
  await convert(first, { to: "universal", only: true });
  // What is added by hand stands behind what the conversion wrote.
  const again = new LayoutBuilder();
  for await (const { digest } of first.blobs.list()) again.blobs.set(digest, await bytesOf(first, digest));
  const { text } = await first.index.read();
  const index = JSON.parse(text) as { manifests: Record<string, unknown>[]; annotations: Record<string, string> };
  again.entries.push(...index.manifests);
  again.annotate(index.annotations);
  change(again, image);
  return { layout: again.layout(), image, referrers, builder: again };
}

async function bytesOf(layout: Layout, digest: Digest): Promise<Uint8Array> {
  const size = (await layout.blobs.size(digest))!;
  return await layout.blobs.bytes({ mediaType: "application/octet-stream", digest, size });
}

async function outcome(layout: Layout, subject: Digest): Promise<{ text: string; blobs: string[]; code: string | undefined }> {
  let code: string | undefined;
  try {
    await attach(layout, subject, NEW);
  } catch (error) {
    code = (error as { code: string }).code;
  }
  const blobs: string[] = [];
  for await (const { digest } of layout.blobs.list()) blobs.push(digest);
  return { text: (await layout.index.read()).text, blobs: blobs.toSorted(), code };
}

function sortedEntries(text: string): unknown {
  const index = JSON.parse(text) as { manifests: unknown[] };
  return { ...index, manifests: index.manifests.map((entry) => JSON.stringify(entry)).toSorted() };
}

function spy(layout: Layout): Set<Digest> {
  const opened = new Set<Digest>();
  const { bytesMany } = layout.blobs;
  layout.blobs.bytesMany = async (ds, options) => {
    for (const d of ds) opened.add(d.digest);
    return await bytesMany.call(layout.blobs, ds, options);
  };
  return opened;
}

async function found(layout: Layout, subject: Digest): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const r of listReferrers(layout, subject, { scan: true })) digests.push(r.descriptor.digest);
  return digests;
}
