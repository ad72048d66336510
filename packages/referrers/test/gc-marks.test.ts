import { type Descriptor, type Layout, compareDigests } from "@ocilot/layout";
import { type GcOptions, collectGarbage } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";

/** What of these is left after a collection. */
async function left(layout: Layout, named: Readonly<Record<string, Descriptor>>, options: GcOptions = {}): Promise<string[]> {
  await collectGarbage(layout, { grace: 0, ...options });
  const there = await Promise.all(Object.entries(named).map(async ([name, d]) => ((await layout.blobs.has(d.digest)) ? [name] : [])));
  return there.flat();
}

function withImage(): { builder: LayoutBuilder; image: Descriptor } {
  const builder = new LayoutBuilder();
  const image = builder.image();
  builder.entry(image, { tag: "v1" });
  return { builder, image };
}

describe("what nothing kept needs goes", () => {
  test("an image without an entry, its referrers, and theirs", async () => {
    const { builder, image } = withImage();
    const loose = builder.image();
    const sbom = builder.referrer(loose);
    const signature = builder.referrer(sbom);
    const own = builder.referrer(image);
    expect(await left(builder.layout(), { image, loose, sbom, signature, own })).toEqual(["image", "own"]);
  });

  test("a manifest without a subject, beside one with", async () => {
    const { builder, image } = withImage();
    const loose = builder.imageIndex([image]);
    const sbom = builder.referrer(image);
    expect(await left(builder.layout(), { image, loose, sbom })).toEqual(["image", "sbom"]);
  });

  test("what a blob of unknown type names stays only while something kept leads to that blob", async () => {
    const { builder, image } = withImage();
    const [a, b] = [builder.blob("a"), builder.blob("b")];
    const named = builder.document({ digest: a.digest }, "application/vnd.acme+json");
    const loose = builder.document({ digest: b.digest }, "application/vnd.acme+json");
    builder.entry(builder.image({ members: { layers: [named] } }), { tag: "v2" });
    expect(await left(builder.layout(), { image, a, b, named, loose })).toEqual(["image", "a", "named"]);
  });

  test("unlisted means that no record lists it: a listed referrer is none, an unlisted one beside it is", async () => {
    const { builder, image } = withImage();
    const listed = builder.referrer(image);
    builder.listed(listed);
    const hidden = [builder.referrer(image, { members: { annotations: { n: "1" } } }), builder.referrer(listed)];
    const { unlisted, removed } = await collectGarbage(builder.layout(), { grace: 0 });
    expect([unlisted, removed]).toEqual([hidden.map((d) => d.digest).toSorted(compareDigests), []]);
  });

  test("blobs are not searched where nothing could be removed", async () => {
    const { builder } = withImage();
    const odd = builder.document({}, "application/vnd.acme+json");
    const layout = builder.entry(odd).layout();
    let reads = 0;
    const bytesMany = layout.blobs.bytesMany.bind(layout.blobs);
    layout.blobs.bytesMany = async (ds, options) => {
      reads += ds.filter((d) => [odd.mediaType, "application/octet-stream"].includes(d.mediaType)).length;
      return await bytesMany(ds, options);
    };
    await collectGarbage(layout, { grace: 0 });
    expect(reads).toBe(0);
  });
});

describe("pruning", () => {
  /** An image that is gone and a referrer of it. */
  function dangling(change: (b: LayoutBuilder, sbom: Descriptor, image: Descriptor, gone: Descriptor) => void) {
    const { builder, image } = withImage();
    const gone = builder.image();
    const sbom = builder.referrer(gone);
    builder.listed(sbom);
    change(builder, sbom, image, gone);
    builder.forget(gone);
    return { layout: builder.layout(), sbom, image };
  }

  test("takes a referrer of what is gone, and nothing of what is there", async () => {
    let own: Descriptor;
    const { layout, sbom, image } = dangling((b, _, there) => b.listed((own = b.referrer(there))));
    expect(await left(layout, { image, sbom, own: own! }, { pruneDangling: true })).toEqual(["image", "own"]);
  });

  test("spares a referrer that has a tag, and what refers to that", async () => {
    let above: Descriptor;
    const { layout, sbom } = dangling((b, s) => {
      b.entry(s, { tag: "keep" });
      b.listed((above = b.referrer(s)));
    });
    const { pruned } = await collectGarbage(layout, { grace: 0, pruneDangling: true });
    expect(pruned).toEqual([]);
    expect([await layout.blobs.has(sbom.digest), await layout.blobs.has(above!.digest)]).toEqual([true, true]);
  });

  test("spares a referrer that BuildKit's annotations put into an image index", async () => {
    const { builder, image } = withImage();
    const gone = builder.image({ members: { annotations: { n: "gone" } } });
    const attestation = builder.image({ members: { annotations: { n: "attestation" } } });
    const annotations = { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": gone.digest };
    const child = { ...attestation, annotations, platform: { os: "unknown", architecture: "unknown" } };
    builder.entry(builder.imageIndex([image, gone, child]), { tag: "multi" }).forget(gone);
    const layout = builder.layout();
    const { text } = await layout.index.read();
    expect((await collectGarbage(layout, { grace: 0, pruneDangling: true })).pruned).toEqual([]);
    expect(await layout.blobs.has(attestation.digest)).toBe(true);
    expect((await layout.index.read()).text).toBe(text);
  });

  test("takes a chain whole, each link once, and spares what also refers to something present", async () => {
    const { builder, image } = withImage();
    const gone = builder.image({ members: { annotations: { n: "gone" } } });
    let top = builder.referrer(gone);
    builder.listed(top);
    const chain = [top];
    for (let i = 0; i < 3; i++) {
      top = builder.referrer(top);
      builder.listed(top);
      chain.push(top);
    }
    const both = builder.referrer(gone, { members: { annotations: { n: "both" } } });
    builder.listed(both).entry(both, { tag: `${image.digest.replace(":", "-")}.sbom` });
    builder.forget(gone);
    const layout = builder.layout();
    const { pruned, removed } = await collectGarbage(layout, { grace: 0, pruneDangling: true });
    expect(pruned.map((p) => p.referrer)).toEqual(chain.map((d) => d.digest));
    expect(removed.map((r) => r.digest)).toEqual(expect.arrayContaining(chain.map((d) => d.digest)));
    expect([await layout.blobs.has(both.digest), await layout.blobs.has(image.digest)]).toEqual([true, true]);
  });

  test("finishes what an interrupted detach has marked, without grace, and forgets the mark", async () => {
    const { builder, image } = withImage();
    const detached = builder.referrer(image);
    const layout = builder.annotate({ "io.ocilot.detached": detached.digest, other: "kept" }).layout();
    const list = layout.blobs.list.bind(layout.blobs);
    layout.blobs.list = async function* () {
      for await (const blob of list()) yield { ...blob, modified: Date.now() };
    };
    const dry = await collectGarbage(layout, { dryRun: true });
    const { removed } = await collectGarbage(layout);
    expect([dry.removed, removed].map((r) => r.map((b) => b.digest))).toEqual([[detached.digest], [detached.digest]]);
    expect((await layout.index.read()).annotations).toEqual({ other: "kept" });
  });
});

test("a referrer that also refers to something present is not pruned, nor what refers to it", async () => {
  const { builder, image } = withImage();
  const gone = builder.image({ members: { annotations: { n: "gone" } } });
  const both = builder.image({ members: { annotations: { n: "both" } } });
  for (const subject of [gone, image]) builder.entry(both, { annotations: { "io.containerd.manifest.subject": subject.digest } });
  const above = builder.referrer(both);
  builder.listed(above).forget(gone);
  const layout = builder.layout();
  expect((await collectGarbage(layout, { grace: 0, pruneDangling: true })).pruned).toEqual([]);
  expect([await layout.blobs.has(both.digest), await layout.blobs.has(above.digest)]).toEqual([true, true]);
});

test("a referrer that oras lists and a tagged image index holds, too, is not pruned, nor what refers to it", async () => {
  const { builder, image } = withImage();
  const gone = builder.image({ members: { annotations: { n: "gone" } } });
  const sbom = builder.referrer(gone);
  const signature = builder.referrer(sbom);
  builder
    .listed(sbom)
    .listed(signature)
    .entry(builder.imageIndex([image, sbom]), { tag: "multi" })
    .forget(gone);
  expect(await left(builder.layout(), { image, sbom, signature }, { pruneDangling: true })).toEqual(["image", "sbom", "signature"]);
});

test("what a referrer that stays refers to is not pruned, nor what refers to that", async () => {
  const { builder } = withImage();
  const gone = builder.image({ members: { annotations: { n: "gone" } } });
  const first = builder.referrer(gone);
  const second = builder.referrer(first);
  const beside = builder.referrer(second);
  const tagged = builder.referrer(second, { members: { annotations: { n: "tagged" } } });
  const other = builder.referrer(gone, { members: { annotations: { n: "other" } } });
  for (const d of [first, second, beside, other]) builder.listed(d);
  builder.entry(tagged, { tag: "keep" }).forget(gone);
  const layout = builder.layout();
  const { pruned, removed } = await collectGarbage(layout, { grace: 0, pruneDangling: true });
  expect(pruned).toEqual([{ subject: gone.digest, referrer: other.digest }]);
  expect(removed.map((b) => b.digest)).toContain(other.digest);
  expect(await left(layout, { first, second, beside, tagged })).toEqual(["first", "second", "beside", "tagged"]);
});

test("an image index that names what is missing holds no referrer of it against pruning", async () => {
  const { builder, image } = withImage();
  const gone = builder.image({ members: { annotations: { n: "gone" } } });
  builder.entry(builder.imageIndex([image, gone]), { tag: "multi" });
  const sbom = builder.referrer(gone);
  builder.forget(gone);
  const layout = builder.layout();
  expect(await left(layout, { image, sbom })).toEqual(["image", "sbom"]);
  expect(await left(layout, { image, sbom }, { pruneDangling: true })).toEqual(["image"]);
});

test("nothing is pruned from a layout in which something could not be collected afterwards", async () => {
  const { builder, image } = withImage();
  const gone = builder.image({ members: { annotations: { n: "gone" } } });
  const sbom = builder.referrer(gone);
  const odd = builder.document({ digest: image.digest }, "application/vnd.acme+json");
  builder.listed(sbom).entry(odd, { tag: "odd" }).forget(gone);
  builder.blobs.set(odd.digest, new Uint8Array(odd.size));
  const layout = builder.layout();
  const { text } = await layout.index.read();
  await expect(collectGarbage(layout, { grace: 0, pruneDangling: true })).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
  expect((await layout.index.read()).text).toBe(text);
  expect(await layout.blobs.has(sbom.digest)).toBe(true);
});

test("a blob of unknown type is searched once, however many manifests name it", async () => {
  const { builder } = withImage();
  const kept = builder.blob("kept");
  const odd = builder.document({ digest: kept.digest }, "application/vnd.acme+json");
  for (const n of ["1", "2"]) builder.entry(builder.image({ members: { layers: [odd], annotations: { n } } }), { tag: `n${n}` });
  const garbage = builder.blob("garbage");
  const layout = builder.layout();
  const bytesMany = layout.blobs.bytesMany.bind(layout.blobs);
  let reads = 0;
  layout.blobs.bytesMany = async (ds, options) => {
    reads += ds.filter((d) => d.mediaType === odd.mediaType).length;
    return await bytesMany(ds, options);
  };
  expect(await left(layout, { kept, garbage })).toEqual(["kept"]);
  expect(reads).toBe(1);
});

test("a digest in an annotation keeps nothing", async () => {
  const { builder } = withImage();
  const garbage = builder.blob("garbage");
  builder.entry(builder.image({ members: { annotations: { built: garbage.digest } } }), { tag: "v2" });
  expect(await left(builder.layout(), { garbage })).toEqual([]);
});
