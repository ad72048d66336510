import { type Descriptor, type Digest, Layout, blobPath, memoryBackend } from "@ocilot/layout";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { copyLayout } from "@ocilot/referrers";
import { type ClosureOptions, type Closure, collectClosure } from "../src/copy/closure.js";
import { type CopySelection, type SelectOptions, selectCopy } from "../src/copy/select-copy.js";
import { cosignTag } from "../src/conventions/digest-tag.js";
import { readGraph } from "../src/conventions/read-graph.js";
import { openView } from "../src/view/open-view.js";
import { SPARSE_PLATFORMS } from "../src/platform/sparse-platforms.js";
import { errorOf } from "./helpers.js";

const PLATFORMS = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
const named = (b: LayoutBuilder, n: string): Descriptor => b.image({ members: { annotations: { n } } });

/** An index of two platforms under the tag v1. */
function withPlatforms(b: LayoutBuilder): { index: Descriptor; amd64: Descriptor; arm64: Descriptor } {
  const [amd64, arm64] = PLATFORMS.map((platform) => ({ ...named(b, platform.architecture), platform }));
  const index = b.imageIndex([amd64, arm64]);
  b.entry(index, { tag: "v1" });
  return { index, amd64: amd64!, arm64: arm64! };
}

async function closureOf(layout: Layout, roots: readonly Descriptor[], options: ClosureOptions = {}): Promise<Closure> {
  const view = await openView(layout, { scan: true });
  return await collectClosure(layout, view, await readGraph(view), roots, options);
}

const digests = (items: Iterable<{ readonly digest: Digest }>): Digest[] => [...items].map((d) => d.digest).toSorted();
const contentOf = async (layout: Layout, options: SelectOptions): Promise<Digest[]> => digests((await selectCopy(layout, options)).content);
const pairs = (s: Pick<CopySelection, "edges">): string[] => s.edges.map((e) => `${e.subject} ${e.referrer.digest}`).toSorted();

describe("what belongs to a root", () => {
  test("a config or layer that is itself a manifest brings its own content", async () => {
    const b = new LayoutBuilder();
    const inner = named(b, "inner");
    const nested = { ...inner };
    const image = b.image({ members: { layers: [nested], annotations: { n: "outer" } } });
    const configured = b.image({ members: { config: { ...named(b, "config") }, annotations: { n: "configured" } } });
    b.entry(image, { tag: "v1" }).entry(configured, { tag: "v2" });
    const layout = b.layout();
    const all = [...b.blobs.keys()].toSorted();
    const { manifests, blobs } = await closureOf(layout, [image, configured]);
    expect(manifests.has(inner.digest)).toBe(true);
    expect(blobs.has(inner.digest)).toBe(false);
    // The layers and configs that the builder made and `members` replaced belong to nothing.
    expect(all).toEqual(expect.arrayContaining([...manifests.keys(), ...blobs.keys()]));
    expect(manifests.size).toBe(4);
  });

  test("platforms that are left out are none below a referrer, also where they were passed over before", async () => {
    const b = new LayoutBuilder();
    const [amd64, arm64] = PLATFORMS.map((platform) => ({ ...named(b, platform.architecture), platform }));
    const shared = b.imageIndex([amd64, arm64]);
    const other = { ...named(b, "other"), platform: PLATFORMS[1]! };
    const root = b.imageIndex([shared, other]);
    const referrer = b.imageIndex([shared], { subject: root, artifactType: "a/b" });
    b.entry(root, { tag: "v1" }).listed(referrer);
    const leaveOut = new Set([arm64!.digest, other.digest]);
    const found = await closureOf(b.layout(), [root], { leaveOut });
    expect(digests([...found.manifests.values()].map((n) => n.descriptor))).toEqual(digests([root, shared, amd64!, arm64!, referrer]));
    expect(digests(found.omitted)).toEqual([other.digest]);
    const alone = await closureOf(b.layout(), [root], { leaveOut, referrers: false });
    expect(digests([...alone.manifests.values()].map((n) => n.descriptor))).toEqual(digests([root, shared, amd64!]));
    expect(digests(alone.omitted)).toEqual(digests([arm64!, other]));
    expect(alone.edges).toEqual([]);
    expect(found.edges).toHaveLength(1);
  });

  test("referrers of its config and its layers, and theirs, listed or not", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    const { config, layers } = JSON.parse(new TextDecoder().decode(b.blobs.get(image.digest))) as {
      config: Descriptor;
      layers: Descriptor[];
    };
    const ofLayer = b.referrer(layers[0]!);
    const ofReferrer = b.referrer(ofLayer);
    b.listed(b.referrer(config));
    const layout = b.layout();
    const found = await closureOf(layout, [image]);
    expect(found.edges).toHaveLength(3);
    expect([...found.manifests.keys(), ...found.blobs.keys()].toSorted()).toEqual([...b.blobs.keys()].toSorted());
    expect((await closureOf(layout, [image], { referrers: false })).edges).toEqual([]);
    for (const options of [{}, { reference: "v1" }]) {
      const target = new Layout(memoryBackend());
      const { unreferenced } = await copyLayout(layout, target, options);
      expect(unreferenced.blobs).toBe(0);
      expect(await target.blobs.has(ofReferrer.digest)).toBe(true);
      const graph = await readGraph(await openView(target, { scan: true }));
      expect(graph.has(layers[0]!.digest, ofLayer.digest) && graph.has(ofLayer.digest, ofReferrer.digest)).toBe(true);
    }
  });

  test("a manifest that many lead to is visited once", async () => {
    const b = new LayoutBuilder();
    const image = named(b, "image");
    const root = b.imageIndex([image, image, b.imageIndex([image])]);
    const first = b.referrer(image);
    b.entry(root, { tag: "v1" }).listed(first);
    b.forget(image);
    const { unreadable, manifests } = await closureOf(b.layout(), [root, root]);
    expect(unreadable.map((u) => u.descriptor.digest)).toEqual([image.digest]);
    expect(manifests.size).toBe(3);
  });

  test("a child that is left out is told once, whatever many indexes lead to it", async () => {
    const b = new LayoutBuilder();
    const { index, arm64 } = withPlatforms(b);
    const root = b.imageIndex([index, index, b.imageIndex([index])]);
    const { omitted } = await closureOf(b.layout(), [root, root], { leaveOut: new Set([arm64.digest]) });
    expect(digests(omitted)).toEqual([arm64.digest]);
  });

  test("links that form a circle are followed once, and once more as those of a referrer", async () => {
    const b = new LayoutBuilder();
    const [one, two] = [named(b, "one"), named(b, "two")];
    b.entry(one, { tag: cosignTag(two.digest, "sig") }).entry(two, { tag: cosignTag(one.digest, "sig") });
    const layout = b.layout();
    const view = await openView(layout, { scan: true });
    const graph = await readGraph(view);
    const nodes = view.nodes.bind(view);
    const asked: Descriptor[] = [];
    view.nodes = async (ds) => {
      asked.push(...ds);
      if (asked.length > 100) throw new Error("the circle is followed without end");
      return await nodes(ds);
    };
    const { edges } = await collectClosure(layout, view, graph, [one]);
    expect(pairs({ edges })).toEqual([`${one.digest} ${two.digest}`, `${two.digest} ${one.digest}`].toSorted());
    expect(digests(asked)).toEqual(digests([one, one, two]));
  });

  test("what is missing is told with the way to it and the entries that note it as left out", async () => {
    const b = new LayoutBuilder();
    const gone = named(b, "gone");
    const root = b.imageIndex([b.imageIndex([gone])]);
    const noted = { ...root, annotations: { [SPARSE_PLATFORMS]: "linux/amd64" } };
    b.entry(root, { tag: "v1" }).forget(gone);
    const layout = b.layout();
    const [plain] = (await closureOf(layout, [root])).unreadable;
    expect(plain).toMatchObject({ descriptor: { digest: gone.digest }, isInReferrer: false, entries: [] });
    expect(plain!.parents).toHaveLength(2);
    expect(plain!.parents[0]).toBe(root.digest);
    expect((await closureOf(layout, [noted])).unreadable[0]!.entries).toEqual([noted]);
    const other = { ...named(b, "other"), annotations: { [SPARSE_PLATFORMS]: "x" } };
    expect((await closureOf(b.layout(), [root, other])).unreadable[0]!.entries).toEqual([]);
    const referrer = b.imageIndex([gone], { subject: root, artifactType: "a/b" });
    const [inReferrer] = (await closureOf(b.listed(referrer).layout(), [referrer, root])).unreadable;
    expect(inReferrer!.descriptor.digest).toBe(gone.digest);
  });
});

describe("blobs of unknown media types", () => {
  function withOdd(): { b: LayoutBuilder; image: Descriptor; odd: Descriptor; inner: Descriptor; reads: (layout: Layout) => () => number } {
    const b = new LayoutBuilder();
    const inner = named(b, "inner");
    const odd = b.document({ digest: inner.digest }, "application/vnd.acme+json");
    const image = b.image({ members: { layers: [odd], annotations: { n: "image" } } });
    b.entry(image, { tag: "v1" });
    const reads = (layout: Layout): (() => number) => {
      let count = 0;
      const bytesMany = layout.blobs.bytesMany.bind(layout.blobs);
      layout.blobs.bytesMany = async (ds, options) => {
        count += ds.filter((d) => d.digest === odd.digest && d.mediaType === odd.mediaType).length;
        return await bytesMany(ds, options);
      };
      return () => count;
    };
    return { b, image, odd, inner, reads };
  }

  test("bring what they name, and are read once", async () => {
    const { b, image, odd, inner, reads } = withOdd();
    const layout = b.layout();
    const count = reads(layout);
    const { manifests, blobs } = await closureOf(layout, [image]);
    expect([manifests.has(inner.digest), blobs.has(odd.digest), count()]).toEqual([true, true, 1]);
  });

  test("are not read where everything is in the copy already", async () => {
    const { b, image, inner, reads } = withOdd();
    const layout = b.layout();
    const count = reads(layout);
    await closureOf(layout, [image], { hasMore: () => false });
    expect(count()).toBe(0);
    const asked: boolean[] = [];
    await closureOf(layout, [image], {
      hasMore: (closure) => {
        asked.push(closure.has(image.digest), closure.has(inner.digest), closure.has(odd(b)));
        return true;
      },
    });
    expect(asked.slice(0, 3)).toEqual([true, false, true]);
    expect(asked.slice(-3)).toEqual([true, true, true]);
    expect(count()).toBe(1);

    function odd({ blobs }: LayoutBuilder): Digest {
      return [...blobs].find(([, bytes]) => new TextDecoder().decode(bytes).startsWith('{\n  "digest"'))![0];
    }
  });

  test("may name what is in the copy already", async () => {
    const b = new LayoutBuilder();
    const inner = named(b, "inner");
    const odd = b.document({ digest: inner.digest }, "application/vnd.acme+json");
    const image = b.image({ members: { layers: [odd] } });
    const root = b.imageIndex([inner, image]);
    const { manifests } = await closureOf(b.layout(), [root]);
    expect([...manifests.keys()]).toEqual([root.digest, inner.digest, image.digest]);
  });

  test("are not read for a copy that takes all that the layout has", async () => {
    const { b, image, inner, reads } = withOdd();
    const root = b.imageIndex([image, inner]);
    b.entry(root, { tag: "v2" });
    const { manifests, blobs } = await closureOf(b.layout(), [root]);
    for (const digest of b.blobs.keys()) if (!manifests.has(digest) && !blobs.has(digest)) b.blobs.delete(digest);
    const layout = b.layout();
    const count = reads(layout);
    expect(await contentOf(layout, { reference: "v2" })).toEqual([...b.blobs.keys()].toSorted());
    expect(count()).toBe(0);
  });

  test("are searched for a copy of one image as long as the layout has more", async () => {
    const { b, inner } = withOdd();
    b.blob("more");
    expect(await contentOf(b.layout(), { reference: "v1" })).toContain(inner.digest);
  });

  test("stop the copy where they cannot be read", async () => {
    const { b, odd } = withOdd();
    b.blobs.set(odd.digest, new Uint8Array(odd.size));
    expect((await errorOf(selectCopy(b.layout(), { reference: "v1" }))).code).toBe("BLOB_CORRUPT");
  });

  test("name whole images, of which no platform is left out", async () => {
    const b = new LayoutBuilder();
    const { index, amd64, arm64 } = withPlatforms(b);
    const odd = b.document({ digest: index.digest }, "application/vnd.acme+json");
    const root = b.image({ members: { layers: [odd], annotations: { n: "root" } } });
    const { manifests } = await closureOf(b.layout(), [root], { leaveOut: new Set([arm64.digest]) });
    expect([manifests.has(amd64.digest), manifests.has(arm64.digest)]).toEqual([true, true]);
  });
});

describe("the selection of a copy", () => {
  test("refuses a bad tag, and platforms or kinds of a whole layout", async () => {
    const b = new LayoutBuilder();
    withPlatforms(b);
    const codeOf = async (options: SelectOptions): Promise<string> => (await errorOf(selectCopy(b.layout(), options))).code;
    expect(await codeOf({ reference: "v1", tag: "../x\n" })).toBe("UNSAFE_NAME");
    expect(await codeOf({ platforms: PLATFORMS })).toBe("USAGE");
    expect(await codeOf({ kinds: ["sbom"] })).toBe("USAGE");
  });

  test("ends where it is interrupted", async () => {
    const b = new LayoutBuilder();
    withPlatforms(b);
    const error = await errorOf(selectCopy(b.layout(), { reference: "v1", signal: AbortSignal.abort() }));
    expect(error.code).toBe("ABORTED");
  });

  test("has the referrers that only their subject leads to", async () => {
    const b = new LayoutBuilder();
    const { amd64 } = withPlatforms(b);
    const unlisted = b.referrer(amd64);
    expect(await contentOf(b.layout(), { reference: "v1" })).toContain(unlisted.digest);
  });

  test("counts as missing what its platform excuses, if the copy is to be complete", async () => {
    const b = new LayoutBuilder();
    const { arm64 } = withPlatforms(b);
    b.forget(arm64);
    for (const requireComplete of [undefined, false]) {
      const { absent } = await selectCopy(b.layout(), { reference: "v1", ...(requireComplete !== undefined && { requireComplete }) });
      expect(digests(absent)).toEqual([arm64.digest]);
    }
    expect((await errorOf(selectCopy(b.layout(), { reference: "v1", requireComplete: true }))).code).toBe("BLOB_NOT_FOUND");
  });

  test("has the referrers of what is copied, or none", async () => {
    const b = new LayoutBuilder();
    const { index, amd64 } = withPlatforms(b);
    const [one, two] = [b.referrer(index), b.referrer(amd64)];
    const above = b.referrer(one);
    for (const d of [one, two, above]) b.listed(d);
    const all = await selectCopy(b.layout(), { reference: "v1" });
    expect(pairs(all)).toEqual(
      [`${index.digest} ${one.digest}`, `${amd64.digest} ${two.digest}`, `${one.digest} ${above.digest}`].toSorted(),
    );
    expect(digests(all.content)).toEqual(expect.arrayContaining([one.digest, two.digest, above.digest]));
    expect([all.unchosen, all.left, all.omitted, all.isWhole]).toEqual([[], [], [], false]);
    expect("rewritten" in all || "replaced" in all || "docker" in all).toBe(false);
    const none = await selectCopy(b.layout(), { reference: "v1", referrers: false, kinds: ["sbom"] });
    expect([none.edges, none.unchosen, none.left]).toEqual([[], [], []]);
    expect(digests(none.content)).not.toContain(one.digest);
    const some = await selectCopy(b.layout(), { reference: "v1", kinds: ["signature"] });
    expect(some.unchosen.length).toBeGreaterThan(0);
    expect(some.edges).toEqual([]);
    const withReferrers = (referrers: boolean): SelectOptions => ({ reference: "v1", kinds: ["signature"], referrers });
    expect((await selectCopy(b.layout(), withReferrers(false))).unchosen).toEqual([]);
    expect((await selectCopy(b.layout(), withReferrers(true))).unchosen).toEqual(some.unchosen);
    expect((await selectCopy(b.layout(), { reference: "v1", referrers: true })).edges).toHaveLength(3);
  });

  test("with a smaller index leaves the referrers of the old one, and says so", async () => {
    const b = new LayoutBuilder();
    const { index, amd64, arm64 } = withPlatforms(b);
    const [ofIndex, ofAmd64] = [b.referrer(index), b.referrer(amd64)];
    b.listed(ofIndex).listed(ofAmd64);
    const options: SelectOptions = { reference: "v1", platforms: [PLATFORMS[0]!], rewriteIndex: true };
    const selected = await selectCopy(b.layout(), options);
    expect(selected.replaced).toBe(index.digest);
    expect(selected.rewritten!.descriptor.digest).not.toBe(index.digest);
    expect(selected.roots.map((r) => r.descriptor.digest)).toEqual([selected.rewritten!.descriptor.digest]);
    expect(selected.left.map((e) => e.referrer.digest)).toEqual([ofIndex.digest]);
    expect(pairs(selected)).toEqual([`${amd64.digest} ${ofAmd64.digest}`]);
    const content = digests(selected.content);
    expect(content).toContain(amd64.digest);
    for (const d of [index, arm64, ofIndex]) expect(content).not.toContain(d.digest);
    expect(digests(selected.omitted)).toEqual([arm64.digest]);
    expect((await selectCopy(b.layout(), { ...options, referrers: false })).left).toEqual([]);
    expect(selected.platforms).toEqual(["linux/amd64"]);
  });

  test("of a whole layout leaves out lists if asked, and says what is not referenced", async () => {
    const b = new LayoutBuilder();
    const image = named(b, "image");
    const sbom = b.referrer(image);
    const list = b.list([sbom]);
    b.entry(image, { tag: "v1" }).entry(list, { tag: image.digest.replace(":", "-") });
    const garbage = b.blob("garbage");
    for (const withoutLists of [undefined, false, true]) {
      const selected = await selectCopy(b.layout(), withoutLists === undefined ? {} : { withoutLists });
      expect(selected.roots.some((r) => r.descriptor.digest === list.digest)).toBe(withoutLists !== true);
      expect(digests(selected.content)).toContain(sbom.digest);
      expect(digests(selected.unreferenced)).toContain(garbage.digest);
      expect(digests(selected.unreferenced)).not.toContain(image.digest);
    }
    expect((await selectCopy(b.layout(), { reference: "v1" })).unreferenced).toEqual([]);
  });

  test("of a whole registry says nothing of what is not referenced", async () => {
    const b = new LayoutBuilder();
    const image = named(b, "image");
    b.entry(image, { tag: "v1" }).blob("garbage");
    const layout = new Layout({ ...memoryBackend(b.text(), b.blobs), keepsEntries: false });
    const { unreferenced, content } = await selectCopy(layout, {});
    expect([unreferenced, digests(content).includes(image.digest)]).toEqual([[], true]);
  });

  test("of a referrer alone keeps its link to what is not copied", async () => {
    const b = new LayoutBuilder();
    const image = named(b, "image");
    const sbom = b.referrer(image);
    const beside = b.referrer(image);
    b.entry(image, { tag: "v1" }).entry(sbom, { tag: "sbom" }).listed(beside);
    const selected = await selectCopy(b.layout(), { reference: "sbom" });
    expect(pairs(selected)).toEqual([`${image.digest} ${sbom.digest}`]);
    const both = await selectCopy(b.layout(), { references: ["v1", "sbom"] });
    expect(pairs(both)).toEqual([`${image.digest} ${beside.digest}`, `${image.digest} ${sbom.digest}`].toSorted());
  });

  test("notes which platforms of an image it took; of a whole layout only where the source notes that", async () => {
    const b = new LayoutBuilder();
    const { arm64 } = withPlatforms(b);
    const kept = async (options: SelectOptions): Promise<readonly string[]> =>
      (await selectCopy(b.layout(), options)).roots[0]!.share!.kept;
    expect(await kept({ reference: "v1", platforms: [PLATFORMS[0]!] })).toEqual(["linux/amd64"]);
    b.forget(arm64);
    expect(await kept({ reference: "v1" })).toEqual(["linux/amd64"]);
    expect(await kept({})).toEqual(["linux/amd64", "linux/arm64"]);
    (b.entries[0]!["annotations"] as Record<string, string>)[SPARSE_PLATFORMS] = "linux/amd64";
    expect(await kept({})).toEqual(["linux/amd64"]);
  });

  test("of Docker's files knows which images no entry leads to", async () => {
    const only = async (name: string): Promise<number> => (await selectCopy(fixtureLayout(name), {})).docker!.only.size;
    expect(await only("cases/docker-save-null-manifests")).toBe(1);
    expect(await only("cases/docker-save-two-by-digest")).toBe(1);
    expect(await only("cases/docker-save-one-platform")).toBe(0);
    const b = new LayoutBuilder();
    const image = named(b, "image");
    const nested = b.imageIndex([b.imageIndex([image, image])]);
    b.entry(nested, { tag: "v1" }).entry(nested, { tag: "v2" }).listed(b.referrer(nested));
    const layout = b.layout();
    const { config } = JSON.parse(new TextDecoder().decode(b.blobs.get(image.digest))) as { config: Descriptor };
    await layout.putDockerDocument(
      "manifest.json",
      new TextEncoder().encode(JSON.stringify([{ Config: blobPath(config.digest), RepoTags: null, Layers: [] }])),
    );
    expect((await selectCopy(layout, {})).docker!.only.size).toBe(0);
  });

  test("looks at the images of an index once, however often nested indexes name it", async () => {
    const b = new LayoutBuilder();
    const image = named(b, "image");
    let nested = image;
    for (let i = 0; i < 64; i++) nested = b.imageIndex([nested, nested]);
    b.entry(nested, { tag: "v1" });
    expect((await selectCopy(b.layout(), {})).manifests).toBe(65);
  });

  test("says how much is missing", async () => {
    const b = new LayoutBuilder();
    const image = b.image({ members: { layers: ["1", "2", "3"].map((n) => b.blob(n)) } });
    b.entry(image, { tag: "v1" });
    const { layers } = JSON.parse(new TextDecoder().decode(b.blobs.get(image.digest))) as { layers: Descriptor[] };
    b.forget(layers[2]!);
    const alone = await errorOf(selectCopy(b.layout(), { reference: "v1" }));
    expect(alone.message).toBe(`${layers[2]!.digest} (application/octet-stream) is missing from the source`);
    for (const d of layers) b.forget(d);
    expect((await errorOf(selectCopy(b.layout(), { reference: "v1" }))).message).toMatch(/ and 2 more is missing from the source$/);
    expect(digests((await selectCopy(b.layout(), { reference: "v1", allowMissing: true })).missing)).toEqual(digests(layers));
  });
});

describe("entries of index.json that a later member of the same name replaces", () => {
  const b = new LayoutBuilder();
  const [kept, lost] = [named(b, "kept"), named(b, "lost")];
  const garbage = b.blob("garbage");
  const list = (d: Descriptor): string => JSON.stringify([d]);
  const twice = (first: string): string => `{"schemaVersion":2,"${first}":${list(lost)},"manifests":${list(kept)}}`;
  const replacedIn = async (text: string, options: SelectOptions = {}): Promise<readonly Digest[]> => {
    const selected = await selectCopy(new Layout(memoryBackend(text, b.blobs)), options);
    expect(selected.roots.map((r) => r.descriptor.digest)).toEqual([kept.digest]);
    if (selected.isWhole) expect(digests(selected.unreferenced)).toContain(garbage.digest);
    return selected.replacedEntries;
  };

  test("are told by their digests, also where the letters differ or something else is odd", async () => {
    for (const text of [twice("manifests"), twice("Manifests"), `${twice("manifests")} trailing`, `${twice("Manifests")} trailing`])
      expect(await replacedIn(text), text).toEqual([lost.digest]);
  });

  test("are none in a copy of one image, and none where the later member has them too", async () => {
    expect(await replacedIn(twice("manifests"), { reference: `@${kept.digest}` })).toEqual([]);
    expect(await replacedIn(`{"schemaVersion":2,"manifests":${list(kept)},"manifests":${list(kept)}}`)).toEqual([]);
  });

  test("are none where no member occurs twice, whatever else index.json names", async () => {
    const text = `{"schemaVersion":2,"manifests":${list(kept)},"annotations":{"of":"${lost.digest}"}}`;
    expect(await replacedIn(text)).toEqual([]);
    expect(await replacedIn(`${text} trailing`)).toEqual([]);
  });
});
