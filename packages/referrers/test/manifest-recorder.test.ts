import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Descriptor, type IndexEntry, Layout, REF_NAME, digestOf } from "@ocilot/layout";
import { ManifestRecorder, TOOLS, attach, listReferrers, openView, planConversion, removeManifest } from "@ocilot/referrers";
import { LayoutBuilder, tempDir } from "@ocilot/testkit";

/** Stores the manifests of a builder in a layout, and nothing in its index. */
async function stored(layout: Layout, builder: LayoutBuilder): Promise<void> {
  for (const [digest, bytes] of builder.blobs) {
    await layout.blobs.put(bytes, { expect: { mediaType: "application/octet-stream", digest, size: bytes.length } });
  }
}

async function textOf(layout: Layout): Promise<string> {
  return (await layout.index.read()).text;
}

function tagsIn(entries: readonly IndexEntry[]): Record<string, string> {
  return Object.fromEntries(
    entries.flatMap((e) => (e.tag === undefined || e.tag.startsWith("sha256-") ? [] : [[e.tag, e.descriptor.digest]])),
  );
}

async function referrersOf(layout: Layout, subject: Descriptor): Promise<string[]> {
  const found: string[] = [];
  for await (const { descriptor } of listReferrers(layout, subject.digest)) found.push(descriptor.digest);
  return found;
}

describe("ManifestRecorder", () => {
  test("one write holds tags, entries and links of many manifests, in the convention for new layouts", async () => {
    const builder = new LayoutBuilder();
    const [image, other] = [builder.image(), builder.image()];
    const referrers = Array.from({ length: 5 }, () => builder.referrer(image));
    const layout = Layout.inMemory();
    await stored(layout, builder);
    const recorder = new ManifestRecorder(layout);
    const { edges, snapshot } = await recorder.record(() => [
      { descriptor: image, tags: ["v1", "latest"] },
      { descriptor: other, tags: [] },
      ...referrers.map((descriptor) => ({ descriptor, tags: [] })),
    ]);
    expect(edges).toHaveLength(5);
    expect(tagsIn(snapshot.entries)).toEqual({ v1: image.digest, latest: image.digest });
    expect(snapshot.entries.some((e) => e.descriptor.digest === other.digest)).toBe(true);
    const view = await openView(layout);
    for (const tool of TOOLS.filter((t) => ["oras", "regctl", "olareg"].includes(t.id))) {
      expect((await tool.finds(view, image.digest)).toSorted(), tool.id).toEqual(referrers.map((r) => r.digest).toSorted());
    }
  });

  test("of several that want one tag the last gets it, and the others stay listed", async () => {
    const builder = new LayoutBuilder();
    const images = [builder.image(), builder.image(), builder.image()];
    const layout = Layout.inMemory();
    await stored(layout, builder);
    const { snapshot } = await new ManifestRecorder(layout).record(() => images.map((descriptor) => ({ descriptor, tags: ["latest"] })));
    expect(tagsIn(snapshot.entries)).toEqual({ latest: images[2]!.digest });
    expect(new Set(snapshot.entries.map((e) => e.descriptor.digest))).toEqual(new Set(images.map((d) => d.digest)));
  });

  test("the short way writes what attaching one at a time writes, byte for byte", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ subject: fc.nat(3), note: fc.string({ maxLength: 8 }), image: fc.boolean() }), {
          minLength: 1,
          maxLength: 14,
        }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 14, maxLength: 14 }),
        async (steps, sizes) => {
          const builder = new LayoutBuilder();
          const subjects = [builder.image(), builder.image(), builder.image()];
          // One subject that is in no layout.
          subjects.push({ ...subjects[0]!, digest: digestOf(new TextEncoder().encode("absent")) });
          const manifests = steps.map(({ subject, note, image }) =>
            image
              ? builder.image()
              : builder.referrer(subjects[subject]!, { annotations: { note }, artifactType: `application/x.${note.length}` }),
          );
          const [fast, slow] = [Layout.inMemory(), Layout.inMemory()];
          for (const layout of [fast, slow]) {
            await stored(layout, builder);
            for (const [i, d] of subjects.slice(0, 3).entries()) await layout.tag(d, `v${i}`);
          }
          const recorder = new ManifestRecorder(fast);
          for (let start = 0, i = 0; start < manifests.length; start += sizes[i++]!) {
            const batch = manifests.slice(start, start + sizes[i]!).map((descriptor) => ({ descriptor, tags: [] }));
            await recorder.record(() => batch);
            // A recorder that knows nothing goes the whole way.
            await new ManifestRecorder(slow).record(() => batch);
            expect(await textOf(fast)).toBe(await textOf(slow));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("what others write in between is seen: nothing is lost, and both see all", async () => {
    const path = tempDir();
    const layout = await Layout.create(`${path}/x`, { sync: false });
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrers = Array.from({ length: 12 }, () => builder.referrer(image));
    await stored(layout, builder);
    const recorder = new ManifestRecorder(layout);
    await recorder.record(() => [{ descriptor: image, tags: ["v1"] }]);
    const beside = await Layout.open(`${path}/x`, { sync: false });
    for (const [i, descriptor] of referrers.entries()) {
      if (i % 3 === 2) await attach(beside, image.digest, { manifest: builder.blobs.get(descriptor.digest)! });
      else await recorder.record(() => [{ descriptor, tags: [] }]);
    }
    expect(await referrersOf(layout, image)).toEqual(referrers.map((d) => d.digest).toSorted());
    expect((await planConversion(layout, { to: "universal" })).steps).toEqual([]);
  });

  test("lists that its own writes have replaced do not pile up", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrers = Array.from({ length: 30 }, () => builder.referrer(image));
    const layout = Layout.inMemory();
    await stored(layout, builder);
    const recorder = new ManifestRecorder(layout, { grace: 0 });
    await recorder.record(() => [{ descriptor: image, tags: ["v1"] }]);
    for (const descriptor of referrers) await recorder.record(() => [{ descriptor, tags: [] }]);
    let blobs = 0;
    for await (const _ of layout.blobs.list()) blobs++;
    expect(blobs).toBeLessThanOrEqual(builder.blobs.size + 2);
    expect(await referrersOf(layout, image)).toHaveLength(30);
  });

  test("a layout that keeps another convention is written in that one", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const [first, second, third] = [builder.referrer(image), builder.referrer(image), builder.referrer(image)];
    const layout = builder.entry(image, { tag: "v1" }).listed(first).layout();
    const recorder = new ManifestRecorder(layout);
    for (const descriptor of [second, third]) await recorder.record(() => [{ descriptor, tags: [] }]);
    const { entries, annotations } = await layout.index.read();
    expect(annotations).toEqual({});
    expect(entries.map((e) => e.descriptor.digest).toSorted()).toEqual([image, first, second, third].map((d) => d.digest).toSorted());
  });

  test("where the list of a subject would be larger than tools read, each further referrer has its entry all the same", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const note = "x".repeat(1 << 20);
    const referrers = Array.from({ length: 10 }, (_, i) => builder.referrer(image, { annotations: { note: `${i}${note}` } }));
    const layout = Layout.inMemory();
    await stored(layout, builder);
    const recorder = new ManifestRecorder(layout);
    await recorder.record(() => [{ descriptor: image, tags: ["v1"] }]);
    for (const descriptor of referrers) await recorder.record(() => [{ descriptor, tags: [] }]);
    expect(await referrersOf(layout, image)).toEqual(referrers.map((r) => r.digest).toSorted());
  });

  test("a manifest whose blob is not there is refused, and nothing changes", async () => {
    const builder = new LayoutBuilder();
    const layout = Layout.inMemory();
    const recorder = new ManifestRecorder(layout);
    const before = await textOf(layout);
    await expect(recorder.record(() => [{ descriptor: builder.image(), tags: ["v1"] }])).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
    expect(await textOf(layout)).toBe(before);
  });
});

describe("removeManifest", () => {
  test("takes tags, entries, records and the blob; what refers to it stays", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    const above = builder.referrer(referrer);
    const layout = Layout.inMemory();
    await stored(layout, builder);
    await new ManifestRecorder(layout).record(() => [
      { descriptor: image, tags: ["v1"] },
      { descriptor: referrer, tags: ["sig"] },
      { descriptor: above, tags: [] },
    ]);
    await removeManifest(layout, referrer.digest);
    const { entries } = await layout.index.read();
    expect(entries.some((e) => e.descriptor.digest === referrer.digest || e.descriptor.annotations?.[REF_NAME] === "sig")).toBe(false);
    expect(await layout.blobs.has(referrer.digest)).toBe(false);
    expect(await referrersOf(layout, image)).toEqual([]);
    expect(await referrersOf(layout, referrer)).toEqual([above.digest]);
    await expect(removeManifest(layout, referrer.digest)).rejects.toMatchObject({ code: "REF_NOT_FOUND" });
  });
});
