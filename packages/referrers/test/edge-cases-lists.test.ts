import { type Digest, IMAGE_SPEC_SUBJECT, OLAREG_CONVERT, OLAREG_SUBJECT, REF_NAME } from "@ocilot/layout";
import { convert, findConvention, findProblems, findTool, openView, planConversion, readGraph, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder, indexText, rawEntries } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { SIX, entriesOf, errorOf, linksOf, subjectLinks } from "./helpers.js";

async function codesOf(builder: LayoutBuilder): Promise<string[]> {
  const view = await openView(builder.layout());
  return (await findProblems(view, await readGraph(view))).map((p) => p.code);
}

const NEEDS_TAG = new Set(["regclient", "universal"]);

describe("referrers tags that somebody uses for something else", () => {
  const holders: Record<string, (b: LayoutBuilder) => ReturnType<LayoutBuilder["image"]>> = {
    "62 an image": (b) => b.image(),
    "63 a docker manifest list": (b) =>
      b.imageIndex([b.image()], { mediaType: "application/vnd.docker.distribution.manifest.list.v2+json" }),
    "64 an image index whose children refer to nothing": (b) => b.imageIndex([b.image()]),
    "an index that is itself a referrer": (b) => b.referrer(b.image(), { shape: "index" }),
    "a manifest that is missing": (b) => {
      const image = b.image();
      b.forget(image);
      return image;
    },
  };
  it.each(Object.entries(holders))("%s: an ordinary tag; only targets that need it are refused", async (_, make) => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    const holder = make(builder);
    builder
      .entry(image, { tag: "v1" })
      .entry(holder, { tag: referrersTag(image.digest) })
      .listed(referrer);
    for (const to of SIX) {
      const layout = builder.layout();
      const { refusals } = await planConversion(layout, { to });
      if (NEEDS_TAG.has(to)) {
        expect(refusals).toEqual([expect.stringContaining(`points to ${holder.digest}`)]);
        expect(await errorOf(convert(layout, { to }))).toMatchObject({ code: "CONVERSION_REFUSED" });
        expect(await indexText(layout)).toBe(builder.text());
      } else {
        await convert(layout, { to, only: true });
        expect(rawEntries(await indexText(layout))).toContain(rawEntries(builder.text())[1]);
      }
    }
  });

  it("64 cosign copy's tag, an index under its own digest, is a normal tag even where its platforms are missing", async () => {
    for (const isSparse of [false, true]) {
      const builder = new LayoutBuilder();
      const child = builder.image();
      const index = builder.imageIndex([child]);
      if (isSparse) builder.forget(child);
      builder.entry(index, { tag: referrersTag(index.digest) });
      const view = await openView(builder.layout());
      expect((await readGraph(view)).size).toBe(0);
      expect((await findConvention("regclient")!.detect(view)).entries).toEqual([]);
      const layout = builder.layout();
      await convert(layout, { to: "oras", only: true });
      expect(await indexText(layout)).toBe(builder.text());
    }
  });

  it("64 a sparse multi-platform image under a user's sha256 tag is no list either", async () => {
    const builder = new LayoutBuilder();
    const child = builder.image();
    const index = builder.imageIndex([{ ...child, platform: { os: "linux", architecture: "amd64" } }]);
    builder.forget(child).entry(index, { tag: `sha256-${"a".repeat(64)}` });
    expect((await readGraph(await openView(builder.layout()))).size).toBe(0);
  });

  it("a list that is out of date on an entry with a user's tag: refused, for the tag must not move", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const [old, fresh] = [builder.referrer(image), builder.referrer(image)];
    builder.entry(builder.list([old]), { tag: "v1", annotations: { [OLAREG_SUBJECT]: image.digest } }).listed(fresh);
    const layout = builder.layout();
    const { refusals } = await planConversion(layout, { to: "olareg" });
    expect(refusals).toEqual([expect.stringContaining('has the tag "v1"')]);
    await convert(layout, { to: "containerd", only: true });
    expect((await entriesOf(layout))[0]!["annotations"]).toEqual({ [REF_NAME]: "v1" });
  });
});

describe("lists", () => {
  it("65 lines without subject, and for another subject, are no links of the list's; nothing gets out of reach", async () => {
    const builder = new LayoutBuilder();
    const [image, other, orphan] = [builder.image(), builder.image(), builder.image()];
    const [mine, foreign] = [builder.referrer(image), builder.referrer(other)];
    builder.entry(image, { tag: "v1" }).entry(builder.list([orphan, foreign, mine]), { tag: referrersTag(image.digest) });
    expect(await codesOf(builder)).toEqual(expect.arrayContaining(["STALE_LINE", "FOREIGN_LINE"]));
    expect(await subjectLinks(await openView(builder.layout()))).toEqual({
      [image.digest]: [mine.digest],
      [other.digest]: [foreign.digest],
    });
    for (const to of SIX) {
      for (const only of [false, true]) {
        const layout = builder.layout();
        const { plan } = await convert(layout, { to, only });
        const view = await openView(layout);
        const reached = (await view.reach()).map((r) => r.node.descriptor.digest);
        expect(reached).toEqual(expect.arrayContaining([orphan.digest, mine.digest, foreign.digest, other.digest]));
        expect(await subjectLinks(view)).toEqual({ [image.digest]: [mine.digest], [other.digest]: [foreign.digest] });
        if (only && !NEEDS_TAG.has(to)) {
          expect(plan.kept).toEqual([expect.stringContaining("2 of its lines cannot be verified")]);
          expect(view.entries.map((e) => e.tag)).toContain(referrersTag(image.digest));
        }
        if (!only) expect(await findTool("olareg")!.traps(view)).toEqual([]);
        expect((await convert(layout, { to, only })).changed).toBe(false);
      }
    }
  });

  it("66 a list without types and annotations: its links are found, and any rewriting makes it exact", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image, { annotations: { a: "b" } });
    const bare = { mediaType: referrer.mediaType, digest: referrer.digest, size: referrer.size };
    builder.entry(image, { tag: "v1" }).entry(builder.list([bare], { exact: false }), { tag: referrersTag(image.digest) });
    const layout = builder.layout();
    expect((await readGraph(await openView(layout))).edges()).toMatchObject([{ annotations: { a: "b" } }]);
    expect(await findTool("olareg")!.traps(await openView(layout))).toHaveLength(1);
    await convert(layout, { to: "regclient" });
    expect((await entriesOf(layout))[1]!["digest"]).toBe(builder.list([referrer]).digest);
  });

  it("66 a line is judged by what it says itself, not by what an entry of the same manifest says", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image, { annotations: { a: "b" } });
    const bare = { mediaType: referrer.mediaType, digest: referrer.digest, size: referrer.size };
    builder.entry(image, { tag: "v1" }).listed(referrer);
    builder.entry(builder.list([bare], { exact: false }), { tag: referrersTag(image.digest) });
    const layout = builder.layout();
    await convert(layout, { to: "regclient" });
    expect((await entriesOf(layout))[2]!["digest"]).toBe(builder.list([referrer]).digest);

    const inexactEntry = new LayoutBuilder();
    const subject = inexactEntry.image();
    const right = inexactEntry.referrer(subject);
    inexactEntry
      .entry(subject, { tag: "v1" })
      .entry(right)
      .entry(inexactEntry.list([right]), { tag: referrersTag(subject.digest) });
    expect((await planConversion(inexactEntry.layout(), { to: "regclient" })).steps).toEqual([]);
  });

  it("67 empty lists say that there are none: no link, kept in a union, and not mixed up with each other", async () => {
    const builder = new LayoutBuilder();
    const [a, b] = [builder.image(), builder.image()];
    const empty = builder.list([]);
    builder.entry(a, { tag: "a" }).entry(b, { tag: "b" });
    builder.entry(empty, { tag: referrersTag(a.digest) }).entry(empty, { annotations: { [OLAREG_SUBJECT]: b.digest } });
    for (const to of SIX) {
      const layout = builder.layout();
      expect((await readGraph(await openView(layout))).size).toBe(0);
      await convert(layout, { to });
      expect(rawEntries(await indexText(layout))).toEqual(rawEntries(builder.text()));
    }
  });

  it("68 a list under a full image name is recognised, and regctl reads it", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const [first, second] = [builder.referrer(image), builder.referrer(image)];
    const name = `example.com/app:${referrersTag(image.digest)}`;
    builder
      .entry(image, { tag: "v1" })
      .entry(builder.list([first]), { tag: name })
      .listed(second);
    const layout = builder.layout();
    await convert(layout, { to: "regclient" });
    const view = await openView(layout);
    expect(view.entries.flatMap((e) => e.tag ?? [])).toEqual(["v1", name]);
    expect(await findTool("regctl")!.finds(view, image.digest)).toEqual([first.digest, second.digest]);
  });

  it.each([
    ["69 under one tag", (s: Digest) => ({ [REF_NAME]: referrersTag(s) }), "regclient", "regctl"],
    ["72 of olareg's", (s: Digest) => ({ [OLAREG_SUBJECT]: s }), "olareg", "olareg"],
  ] as const)(
    "%s two lists of one subject are read together, with a warning, and both are brought up to date",
    async (_, mark, to, tool) => {
      const builder = new LayoutBuilder();
      const image = builder.image();
      const [first, second] = [builder.referrer(image), builder.referrer(image)];
      builder
        .entry(builder.list([first]), { annotations: mark(image.digest) })
        .entry(builder.list([second]), { annotations: mark(image.digest) });
      expect(await codesOf(builder)).toContain("DUPLICATE_LIST");
      const layout = builder.layout();
      await convert(layout, { to });
      const view = await openView(layout);
      expect((await findTool(tool)!.finds(view, image.digest)).toSorted()).toEqual([first.digest, second.digest].toSorted());
      expect(new Set(view.entries.map((e) => e.descriptor.digest)).size).toBe(1);
      expect((await convert(layout, { to })).changed).toBe(false);
    },
  );

  it("70 a fallback tag that regctl added behind olareg's flag is read, and gets olareg's mark", async () => {
    const builder = new LayoutBuilder().annotate({ [OLAREG_CONVERT]: "true" });
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.entry(image, { tag: "v1" }).entry(builder.list([referrer]), { tag: referrersTag(image.digest) });
    const layout = builder.layout();
    expect(await findTool("olareg")!.finds(await openView(layout), image.digest)).toEqual([]);
    const { plan } = await convert(layout, { to: "olareg" });
    expect(plan.steps).toEqual([{ op: "annotate", position: 1, set: { [OLAREG_SUBJECT]: image.digest } }]);
    expect(await findTool("olareg")!.finds(await openView(layout), image.digest)).toEqual([referrer.digest]);
  });

  it("71 lists of olareg's without its flag are read, and the flag is set", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.entry(builder.list([referrer]), { annotations: { [OLAREG_SUBJECT]: image.digest } });
    expect(await subjectLinks(await openView(builder.layout()))).toEqual({ [image.digest]: [referrer.digest] });
    const plan = await planConversion(builder.layout(), { to: "olareg" });
    expect(plan.steps).toEqual([{ op: "annotate-index", set: { [OLAREG_CONVERT]: "true" }, unset: [] }]);
  });

  it("71 the flag goes with the last of olareg's lists, and stays with one that has to stay", async () => {
    const builder = new LayoutBuilder().annotate({ [OLAREG_CONVERT]: "true", "x.y": "z" });
    const image = builder.image();
    const [there, gone] = [builder.referrer(image), builder.referrer(image)];
    builder.entry(image, { tag: "v1" }).entry(builder.list([there]), { annotations: { [OLAREG_SUBJECT]: image.digest } });
    const layout = builder.layout();
    await convert(layout, { to: "regclient", only: true });
    expect((await layout.index.read()).annotations).toEqual({ "x.y": "z" });

    builder.entry(builder.list([gone]), { annotations: { [OLAREG_SUBJECT]: builder.image().digest } }).forget(gone);
    const kept = builder.layout();
    await convert(kept, { to: "regclient", only: true });
    expect((await kept.index.read()).annotations).toEqual({ [OLAREG_CONVERT]: "true", "x.y": "z" });
  });

  it("73 image-spec's key on a list, on a single manifest, on an index that is a referrer: three different things", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const [listed, single, index] = [builder.referrer(image), builder.referrer(image), builder.referrer(image, { shape: "index" })];
    const mark = { annotations: { [IMAGE_SPEC_SUBJECT]: image.digest } };
    builder
      .entry(image, { tag: "v1" })
      .entry(builder.list([listed]), mark)
      .entry(single, mark)
      .entry(index, mark);
    const view = await openView(builder.layout());
    const stated = async (id: string): Promise<object> => {
      const edges = [];
      for (const edge of await findConvention(id)!.read(view)) edges.push(edge);
      return linksOf(edges);
    };
    expect(await stated("image-spec")).toEqual({ [image.digest]: [listed.digest] });
    expect(await stated("containerd")).toEqual({ [image.digest]: [single.digest, index.digest].toSorted() });
    const layout = builder.layout();
    await convert(layout, { to: "image-spec" });
    const lists = (await entriesOf(layout)).filter((e) => e["annotations"]?.[IMAGE_SPEC_SUBJECT] === image.digest);
    expect(lists.map((e) => e["digest"])).toEqual([expect.any(String), single.digest, index.digest]);
    expect((await subjectLinks(await openView(layout)))[image.digest]).toHaveLength(3);
  });

  it("entries of lists with foreign annotations lose their mark and nothing else; created alone does not make one foreign", async () => {
    const builder = new LayoutBuilder();
    const [a, b] = [builder.image(), builder.image()];
    const [ofA, ofB] = [builder.referrer(a), builder.referrer(b)];
    const created = { "org.opencontainers.image.created": "2026-01-01T00:00:00Z" };
    builder.entry(builder.list([ofA]), { annotations: { [OLAREG_SUBJECT]: a.digest, "x.y": "z" }, members: { "x-m": 1 } });
    builder.entry(builder.list([ofB]), { annotations: { [OLAREG_SUBJECT]: b.digest, ...created } });
    const layout = builder.layout();
    await convert(layout, { to: "olareg" });
    expect((await entriesOf(layout))[1]!["annotations"]).toEqual({ [OLAREG_SUBJECT]: b.digest, ...created });
    await convert(layout, { to: "oras", only: true });
    const entries = await entriesOf(layout);
    expect(entries[0]).toMatchObject({ annotations: { "x.y": "z" }, "x-m": 1 });
    expect(entries[0]!["annotations"]).not.toHaveProperty([OLAREG_SUBJECT]);
    expect(entries.filter((e) => e["annotations"]?.[OLAREG_SUBJECT])).toEqual([]);
    expect(entries.map((e) => e["digest"]).toSorted()).toEqual([a, b, ofA, ofB, builder.list([ofA])].map((d) => d.digest).toSorted());
  });
});

describe("universal", () => {
  it("has one entry per list with the tag and both marks, one untagged entry per referrer, a bare one per subject, and both flags", async () => {
    const builder = new LayoutBuilder();
    const child = builder.image();
    const index = builder.imageIndex([child]);
    const referrer = builder.referrer(child, { annotations: { a: "b" }, artifactType: "a/b" });
    builder.entry(index, { tag: "v1" }).listed(referrer);
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    const { mediaType, digest, size } = builder.list([referrer]);
    expect((await entriesOf(layout)).slice(1)).toEqual([
      { ...referrer, annotations: { a: "b", "io.containerd.manifest.subject": child.digest }, artifactType: "a/b" },
      child,
      {
        mediaType,
        digest,
        size,
        annotations: { [IMAGE_SPEC_SUBJECT]: child.digest, [REF_NAME]: referrersTag(child.digest), [OLAREG_SUBJECT]: child.digest },
      },
    ]);
    expect((await layout.index.read()).annotations).toEqual({
      [OLAREG_CONVERT]: "true",
      "org.opencontainers.image.referrer.convert": "true",
    });
  });

  it("separate entries of one list become one: oras would drop the untagged twin", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const list = builder.list([builder.referrer(image)]);
    builder.entry(list, { annotations: { [OLAREG_SUBJECT]: image.digest } }).entry(list, { tag: referrersTag(image.digest) });
    builder.entry(list, { annotations: { [IMAGE_SPEC_SUBJECT]: image.digest } });
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    const lists = (await entriesOf(layout)).filter((e) => e["digest"] === list.digest);
    expect(lists).toHaveLength(1);
    expect(Object.keys(lists[0]!["annotations"]).toSorted()).toEqual([IMAGE_SPEC_SUBJECT, REF_NAME, OLAREG_SUBJECT].toSorted());
  });
});
