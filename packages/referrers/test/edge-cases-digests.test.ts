import { CONTAINERD_SUBJECT, type Descriptor, type Digest, OLAREG_SUBJECT, REF_NAME, digestOf } from "@ocilot/layout";
import { convert, findProblems, findTool, openView, planConversion, readGraph, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder, indexText, rawEntries } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { SIX, entriesOf, errorOf, linksOf, subjectLinks } from "./helpers.js";

describe("digests and sizes that are not what they should be", () => {
  it.each(["sha256:../../etc/passwd", `sha256:${"A".repeat(64)}`, `sha256:${"a".repeat(63)}`, "", "sha256"])(
    "19 the digest %j of an entry is refused before any path is made of it",
    async (digest) => {
      const builder = new LayoutBuilder();
      builder.entry({ mediaType: "a/b", digest: digest as Digest, size: 1 });
      expect(() => builder.layout()).toThrow(expect.objectContaining({ code: "LAYOUT_INVALID" }));
    },
  );

  it("19 the same inside a manifest makes that manifest unreadable and no other", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const bad = builder.referrer({ ...image, digest: "sha256:../../etc/passwd" as Digest });
    builder.entry(image, { tag: "v1" }).entry(bad).listed(builder.referrer(image));
    const view = await openView(builder.layout());
    expect((await readGraph(view)).size).toBe(1);
    expect(await findProblems(view, await readGraph(view))).toMatchObject([{ code: "UNREADABLE", digest: bad.digest }]);
  });

  it("20 a blake3 entry is kept and no link is lost; oras, which refuses such a layout, is not promised anything", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const other = builder.image({ algorithm: "blake3" });
    builder.entry(image, { tag: "v1" }).entry(other, { tag: "b3" }).listed(builder.referrer(image));
    const [, kept] = rawEntries(builder.text());
    for (const to of SIX) {
      const layout = builder.layout();
      if (to === "oras" || to === "universal") {
        const error = await errorOf(convert(layout, { to }).then((r) => (r.changed ? r : Promise.reject(new Error("unchanged")))));
        expect(error).toMatchObject({ code: "CONVERSION_REFUSED", details: { reasons: [expect.stringContaining("digest algorithm")] } });
      } else {
        await convert(layout, { to });
        expect(rawEntries(await indexText(layout))).toContain(kept);
      }
    }
  });

  it.each(["sha384", "sha512"] as const)("21 %s: the tag is shortened, the annotations and the links are not", async (algorithm) => {
    const builder = new LayoutBuilder();
    const image = builder.image({ algorithm });
    const referrer = builder.referrer(image, { algorithm });
    builder.entry(image, { tag: "v1" }).listed(referrer);
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    const list = (await entriesOf(layout)).find((e) => e["annotations"]?.[OLAREG_SUBJECT] !== undefined)!;
    expect(list["annotations"][OLAREG_SUBJECT]).toBe(image.digest);
    expect(list["annotations"][REF_NAME]).toBe(`${algorithm}-${image.digest.slice(7, 71)}`);
    const view = await openView(layout);
    for (const tool of ["oras", "regctl", "olareg", "containerd"])
      expect(await findTool(tool)!.finds(view, image.digest), tool).toEqual([referrer.digest]);
  });

  it("22 the whole 135-character tag of a sha512 subject is read, and gets a shortened one beside it", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image({ algorithm: "sha512" });
    const [first, second] = [builder.referrer(image), builder.referrer(image)];
    const whole = image.digest.replace(":", "-");
    builder
      .entry(image, { tag: "v1" })
      .entry(builder.list([first]), { tag: whole })
      .listed(second);
    const layout = builder.layout();
    expect(linksOf((await readGraph(await openView(layout), ["regclient"])).edges())).toEqual({ [image.digest]: [first.digest] });
    await convert(layout, { to: "regclient" });
    const view = await openView(layout);
    expect(view.entries.filter((e) => e.tag === whole)).toHaveLength(1);
    expect((await findTool("regctl")!.finds(view, image.digest)).toSorted()).toEqual([first.digest, second.digest].toSorted());
    expect((await convert(layout, { to: "regclient" })).changed).toBe(false);
    await convert(layout, { to: "oras", only: true });
    expect((await layout.index.read()).entries.map((e) => e.tag)).toEqual(["v1", undefined, undefined]);
  });

  it("22 an empty list under a shortened tag is filled rather than given a twin that nobody reads", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image({ algorithm: "sha512" });
    const referrer = builder.referrer(image);
    builder
      .entry(builder.list([]), { tag: referrersTag(image.digest) })
      .entry(image, { tag: "v1" })
      .listed(referrer);
    const layout = builder.layout();
    await convert(layout, { to: "regclient" });
    const view = await openView(layout);
    expect(view.entries.filter((e) => e.tag === referrersTag(image.digest))).toHaveLength(1);
    expect(await findTool("regctl")!.finds(view, image.digest)).toEqual([referrer.digest]);
  });

  it("23 two sha512 subjects of one shortened tag share its list, split by what the manifests say, with a warning", async () => {
    const builder = new LayoutBuilder();
    const [a, b] = collidingSubjects();
    const [ofA, ofB] = [builder.referrer(a), builder.referrer(b)];
    builder.listed(ofA).listed(ofB);
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    const view = await openView(layout);
    expect(await subjectLinks(view)).toEqual({ [a.digest]: [ofA.digest], [b.digest]: [ofB.digest] });
    expect(view.entries.filter((e) => e.tag === referrersTag(a.digest))).toHaveLength(1);
    for (const [subject, referrer] of [
      [a, ofA],
      [b, ofB],
    ] as const) {
      expect(await findTool("regctl")!.finds(view, subject.digest)).toContain(referrer.digest);
      expect(await findTool("olareg")!.finds(view, subject.digest)).toEqual([referrer.digest]);
    }
    expect((await findProblems(view, await readGraph(view))).map((p) => p.code)).toContain("TAG_COLLISION");
    expect((await convert(layout, { to: "universal" })).changed).toBe(false);
    await convert(layout, { to: "oras", only: true });
    await convert(layout, { to: "regclient", only: true });
    expect(await subjectLinks(await openView(layout))).toEqual({ [a.digest]: [ofA.digest], [b.digest]: [ofB.digest] });
  });

  it("24 one content listed as sha256 and as sha512 is two nodes", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const twin = builder.blob(builder.blobs.get(image.digest)!, image.mediaType, "sha512");
    const [of256, of512] = [builder.referrer(image), builder.referrer(twin)];
    builder.entry(image, { tag: "a" }).entry(twin, { tag: "b" }).listed(of256).listed(of512);
    for (const to of SIX) {
      const layout = builder.layout();
      await convert(layout, { to, only: true });
      expect(await subjectLinks(await openView(layout))).toEqual({ [image.digest]: [of256.digest], [twin.digest]: [of512.digest] });
    }
  });

  it("25 an entry of the wrong size gives no bytes, and a right descriptor of the same blob still does", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.entry(image, { tag: "v1" }).entry({ ...referrer, size: referrer.size + 1 });
    const view = await openView(builder.layout());
    expect((await readGraph(view)).size).toBe(0);
    expect(await findTool("oras")!.traps(view)).toMatchObject([{ severity: "blocks" }]);
    builder.listed(referrer);
    expect((await readGraph(await openView(builder.layout()))).size).toBe(1);
  });

  it("26 an entry whose media type is not the manifest's is a problem, not a link", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.entry(image, { tag: "v1" }).entry({ ...referrer, mediaType: "application/vnd.oci.image.index.v1+json" });
    const view = await openView(builder.layout());
    const graph = await readGraph(view);
    expect(graph.size).toBe(0);
    expect(await findProblems(view, graph)).toMatchObject([{ code: "UNREADABLE", digest: referrer.digest }]);
  });

  it("27 a wrong subject.size: the link is kept, with a warning that oras cannot open the layout", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer({ ...image, size: image.size + 1 });
    builder.entry(image, { tag: "v1" }).listed(referrer);
    const layout = builder.layout();
    await convert(layout, { to: "regclient", only: true });
    const view = await openView(layout);
    expect(await subjectLinks(view)).toEqual({ [image.digest]: [referrer.digest] });
    expect((await findProblems(view, await readGraph(view))).map((p) => p.code)).toContain("SUBJECT_MISMATCH");
    expect((await planConversion(layout, { to: "oras" })).refusals).toEqual([expect.stringContaining("oras cannot use the layout")]);
  });

  it("28 a wrong subject.mediaType: a link by digest, with a warning that oras drops it", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer({ ...image, mediaType: "application/vnd.docker.distribution.manifest.v2+json" });
    builder.entry(image, { tag: "v1" }).listed(referrer);
    const layout = builder.layout();
    expect(await subjectLinks(await openView(layout))).toEqual({ [image.digest]: [referrer.digest] });
    expect(await findTool("oras")!.finds(await openView(layout), image.digest)).toEqual([]);
    expect((await planConversion(layout, { to: "oras" })).refusals).toEqual([expect.stringContaining("oras would not find")]);
    await convert(layout, { to: "olareg" });
    expect(await findTool("olareg")!.finds(await openView(layout), image.digest)).toEqual([referrer.digest]);
  });

  it.each(["-1", "9007199254740993", "1e400", '"5"'])("29 an entry of size %s is refused", (size) => {
    const builder = new LayoutBuilder();
    builder.entry(builder.image());
    expect(() => new LayoutBuilder().layout()).not.toThrow();
    const text = builder.text().replace(/"size":\d+/, `"size":${size}`);
    expect(() => layoutOf(text, builder)).toThrow(expect.objectContaining({ code: "LAYOUT_INVALID" }));
  });

  it("29 a petabyte in a manifest's descriptor is not allocated", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(builder.imageIndex([{ ...image, size: 10 ** 15 }]), { tag: "v1" });
    const view = await openView(builder.layout());
    expect((await view.reach()).map((r) => r.node.state)).toEqual(["read", "damaged"]);
  });

  it.each(["right", "wrong"])("30 a %s data member serves where the blob is missing only if it is right, and is kept", async (kind) => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    const bytes = builder.blobs.get(kind === "right" ? referrer.digest : image.digest)!;
    builder.entry(image, { tag: "v1" }).entry(referrer, { members: { data: Buffer.from(bytes).toString("base64") } });
    const layout = builder.layout();
    await convert(layout, { to: "oras" });
    expect(rawEntries(await indexText(layout))).toEqual(rawEntries(builder.text()));
    builder.forget(referrer);
    expect((await readGraph(await openView(builder.layout()))).size).toBe(kind === "right" ? 1 : 0);
  });

  it("31 urls, platform and os.features on the entry of a referrer stay, and the entry is not withdrawn", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const platform = { os: "linux", architecture: "amd64", "os.features": ["x"] };
    builder.entry(image, { tag: "v1" }).entry(builder.referrer(image), { platform, members: { urls: ["https://example.com"] } });
    const layout = builder.layout();
    const { plan } = await convert(layout, { to: "regclient", only: true });
    expect(rawEntries(await indexText(layout)).slice(0, 2)).toEqual(rawEntries(builder.text()));
    expect(plan.kept).toEqual([expect.stringContaining("holds more than a record")]);
    await convert(layout, { to: "containerd", only: true });
    expect((await entriesOf(layout))[1]).toMatchObject({
      platform,
      urls: ["https://example.com"],
      annotations: { [CONTAINERD_SUBJECT]: image.digest },
    });
  });

  it("32 a blob of no bytes under a real digest is damaged, not a manifest", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.entry(image, { tag: "v1" }).listed(referrer);
    builder.blobs.set(referrer.digest, new Uint8Array());
    expect((await (await openView(builder.layout())).nodes([referrer]))[0]).toMatchObject({ state: "damaged" });
  });
});

/** Nobody can find two contents whose sha512 begin alike, but two absent subjects may be said to have such digests. */
function collidingSubjects(): [Descriptor, Descriptor] {
  const start = digestOf(new TextEncoder().encode("collision")).slice(7);
  const subject = (end: string): Descriptor => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha512:${start}${end.repeat(64)}` as Digest,
    size: 100,
  });
  return [subject("a"), subject("b")];
}

function layoutOf(text: string, builder: LayoutBuilder): unknown {
  return Object.assign(Object.create(LayoutBuilder.prototype) as LayoutBuilder, { blobs: builder.blobs, text: () => text }).layout();
}
