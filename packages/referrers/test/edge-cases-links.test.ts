import { CONTAINERD_SUBJECT, type Digest, IMAGE_SPEC_SUBJECT, OLAREG_CONVERT, OLAREG_SUBJECT, REF_NAME } from "@ocilot/layout";
import {
  convert,
  findConvention,
  findProblems,
  findTool,
  listReferrers,
  openView,
  planConversion,
  readGraph,
  referrersTag,
} from "@ocilot/referrers";
import { LayoutBuilder, indexText, rawEntries } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { SIX, entriesOf, linksOf, subjectLinks } from "./helpers.js";

async function codesOf(builder: LayoutBuilder): Promise<string[]> {
  const view = await openView(builder.layout());
  return (await findProblems(view, await readGraph(view))).map((p) => p.code);
}

describe("links", () => {
  it("46 a ref.name among a referrer's own annotations does not become a tag", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const marks = {
      [REF_NAME]: "v1",
      [CONTAINERD_SUBJECT]: "sha256:x",
      [OLAREG_SUBJECT]: image.digest,
      kind: "dev.cosignproject.cosign/image",
    };
    const referrer = builder.referrer(image, { annotations: { ...marks, a: "b" } });
    builder.entry(image, { tag: "v1" }).entry(builder.list([referrer]), { tag: referrersTag(image.digest) });
    for (const to of ["oras", "containerd", "universal"] as const) {
      const layout = builder.layout();
      await convert(layout, { to });
      const entry = (await entriesOf(layout)).find((e) => e["digest"] === referrer.digest)!;
      expect(entry["annotations"]).toEqual({ a: "b", ...(to !== "oras" && { [CONTAINERD_SUBJECT]: image.digest }) });
    }
  });

  it("47 an annotation that is no string makes the manifest unreadable, and is reported", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const bad = builder.referrer(image, { members: { annotations: { n: 1 } } });
    builder.entry(image, { tag: "v1" }).entry(bad);
    expect(await codesOf(builder)).toEqual(["UNREADABLE"]);
    expect((await readGraph(await openView(builder.layout()))).size).toBe(0);
  });

  it("48 a dangling subject: every conversion keeps the link, and none invents an entry for the subject", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.forget(image).listed(referrer);
    for (const to of SIX) {
      for (const only of [false, true]) {
        const layout = builder.layout();
        await convert(layout, { to, only });
        const view = await openView(layout);
        expect(await subjectLinks(view)).toEqual({ [image.digest]: [referrer.digest] });
        expect(view.entries.map((e) => e.descriptor.digest)).not.toContain(image.digest);
      }
    }
  });

  it.each(["regclient", "olareg", "image-spec"] as const)(
    "49 a line of a %s list whose blob is missing is kept as it is, unverified",
    async (id) => {
      const builder = new LayoutBuilder();
      const image = builder.image();
      const [there, gone] = [builder.referrer(image), builder.referrer(image, { annotations: { a: "b" } })];
      const mark =
        id === "regclient"
          ? { [REF_NAME]: referrersTag(image.digest) }
          : { [id === "olareg" ? OLAREG_SUBJECT : IMAGE_SPEC_SUBJECT]: image.digest };
      builder.entry(image, { tag: "v1" }).entry(builder.list([gone, there]), { annotations: mark });
      const line = builder.line(gone);
      builder.forget(gone).listed(builder.referrer(image));
      const layout = builder.layout();
      const found = (await readGraph(await openView(layout), [id])).edges();
      expect(found.map((e) => e.verified).toSorted()).toEqual([false, true]);
      const { plan } = await convert(layout, { to: id });
      expect(plan.problems.map((p) => p.code)).toContain("UNVERIFIED_LINE");
      const list = (await openView(layout)).entries.find((e) =>
        Object.keys(mark).some((k) => e.descriptor.annotations?.[k] === mark[k as never]),
      )!;
      const text = JSON.parse(new TextDecoder().decode(await layout.blobs.bytes(list.descriptor))) as { manifests: unknown[] };
      expect(text.manifests).toHaveLength(3);
      expect(text.manifests[0]).toEqual(line);
      const { plan: only } = await convert(layout, { to: "oras", only: true });
      expect(only.losses).toMatchObject([{ referrer: gone.digest, reason: "unverified" }]);
      expect(only.kept).toEqual([expect.stringContaining("cannot be verified")]);
    },
  );

  it("50 an entry whose blob is missing says nothing of a subject; containerd's mark on it does, unverified", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const [plain, marked] = [builder.referrer(image), builder.referrer(image)];
    builder
      .entry(image, { tag: "v1" })
      .listed(plain)
      .listed(marked, { [CONTAINERD_SUBJECT]: image.digest });
    builder.forget(plain).forget(marked);
    const layout = builder.layout();
    const edges = (await readGraph(await openView(layout))).edges();
    expect(edges).toMatchObject([{ referrer: { digest: marked.digest }, verified: false, link: "S" }]);
    expect(edges[0]!.annotations).not.toHaveProperty([CONTAINERD_SUBJECT]);
    const before = await indexText(layout);
    await convert(layout, { to: "oras", only: true });
    expect(await indexText(layout)).toBe(before);
  });

  it("51 image ← A ← B ← C with only C listed: all three are found, and every target lists them", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const a = builder.referrer(image);
    const b = builder.referrer(a);
    const c = builder.referrer(b);
    builder.entry(image, { tag: "v1" }).listed(c);
    const chain = { [image.digest]: [a.digest], [a.digest]: [b.digest], [b.digest]: [c.digest] };
    expect(await subjectLinks(await openView(builder.layout()))).toEqual(chain);
    for (const to of SIX) {
      const layout = builder.layout();
      await convert(layout, { to, only: true });
      const view = await openView(layout);
      const stated = [];
      for (const edge of await findConvention(to)!.read(view)) stated.push(edge);
      expect(linksOf(stated)).toEqual(chain);
    }
  });

  it("52 referrers of a platform manifest and of the index stand apart, and oras can resolve both subjects", async () => {
    const builder = new LayoutBuilder();
    const child = builder.image();
    const index = builder.imageIndex([{ ...child, platform: { os: "linux", architecture: "arm64" } }]);
    const [ofChild, ofIndex] = [builder.referrer(child), builder.referrer(index)];
    builder.entry(index, { tag: "v1" }).listed(ofChild).listed(ofIndex);
    const layout = builder.layout();
    expect(await findTool("oras")!.finds(await openView(layout), child.digest)).toEqual([]);
    await convert(layout, { to: "oras" });
    const view = await openView(layout);
    expect(await findTool("oras")!.finds(view, child.digest)).toEqual([ofChild.digest]);
    expect(await findTool("oras")!.finds(view, index.digest)).toEqual([ofIndex.digest]);
    const bare = view.entries.find((e) => e.descriptor.digest === child.digest)!;
    expect(Object.keys(bare.descriptor)).toEqual(["mediaType", "digest", "size"]);
  });

  it("53 a referrer with a tag of its own keeps it through every conversion; its untagged twin comes and goes", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    builder.entry(image, { tag: "v1" }).entry(referrer, { tag: "sbom" });
    for (const to of SIX) {
      const layout = builder.layout();
      await convert(layout, { to, only: true });
      const twins = (await layout.index.read()).entries.filter((e) => e.descriptor.digest === referrer.digest && e.tag === undefined);
      expect(twins).toHaveLength(to === "containerd" || to === "universal" ? 1 : 0);
      expect(rawEntries(await indexText(layout)).slice(0, 2)).toEqual(rawEntries(builder.text()));
      await convert(layout, { to: "regclient", only: true });
      await convert(layout, { to: "oras", only: true });
      expect(await indexText(layout)).toBe(builder.text());
    }
  });

  it("54 a digest listed twice untagged and once tagged is one link, and no entry goes in a union", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image, { annotations: { a: "1" } });
    builder
      .entry(image, { tag: "v1" })
      .listed(referrer)
      .entry(referrer, { annotations: { x: "y" } })
      .entry(referrer, { tag: "t" });
    for (const to of SIX) {
      const layout = builder.layout();
      await convert(layout, { to });
      expect((await readGraph(await openView(layout))).size).toBe(1);
      const entries = (await entriesOf(layout)).filter((e) => e["digest"] === referrer.digest);
      expect(entries.map((e) => ({ ...e["annotations"], [CONTAINERD_SUBJECT]: undefined })).slice(0, 3)).toEqual([
        { a: "1" },
        { x: "y" },
        { [REF_NAME]: "t" },
      ]);
    }
  });

  it("55 a referrer that an annotation gives to another subject belongs to the one its manifest names", async () => {
    const builder = new LayoutBuilder();
    const [image, other] = [builder.image(), builder.image()];
    const referrer = builder.referrer(image);
    builder
      .entry(image, { tag: "v1" })
      .entry(other, { tag: "v2" })
      .listed(referrer, { [CONTAINERD_SUBJECT]: other.digest });
    expect(await codesOf(builder)).toContain("SUBJECT_CONFLICT");
    const layout = builder.layout();
    expect(await subjectLinks(await openView(layout))).toEqual({ [image.digest]: [referrer.digest] });
    const { plan } = await convert(layout, { to: "containerd", only: true });
    expect(plan.losses).toEqual([]);
    const view = await openView(layout);
    expect(await findTool("containerd")!.finds(view, image.digest)).toEqual([referrer.digest]);
    expect(rawEntries(await indexText(layout))).toContain(rawEntries(builder.text())[2]);
    expect((await convert(layout, { to: "regclient", only: true })).plan.kept).toEqual([expect.stringContaining("keeps its annotation")]);
  });

  it("56 an annotation over a manifest without subject is a link that only containerd sees", async () => {
    const builder = new LayoutBuilder();
    const [image, note] = [builder.image(), builder.image()];
    builder.entry(image, { tag: "v1" }).entry(note, { annotations: { [CONTAINERD_SUBJECT]: image.digest } });
    const view = await openView(builder.layout());
    expect((await readGraph(view)).edges()).toMatchObject([{ link: "N", verified: true }]);
    for (const tool of ["oras", "regctl", "regctl-slow", "olareg"]) expect(await findTool(tool)!.finds(view, image.digest)).toEqual([]);
    expect(await findTool("containerd")!.finds(view, image.digest)).toEqual([note.digest]);
  });

  it("56 two such links of one manifest need two entries, and neither overwrites the other", async () => {
    const builder = new LayoutBuilder();
    const [a, b, note] = [builder.image(), builder.image(), builder.image()];
    const described = (of: { digest: Digest }): object => ({
      ...note,
      annotations: { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": of.digest },
    });
    builder
      .entry(builder.imageIndex([a, described(a)]), { tag: "a" })
      .entry(builder.imageIndex([b, described(b)]), { tag: "b" })
      .entry(note);
    const layout = builder.layout();
    await convert(layout, { to: "containerd" });
    const view = await openView(layout);
    for (const subject of [a, b]) expect(await findTool("containerd")!.finds(view, subject.digest)).toEqual([note.digest]);
  });

  it.each(["v1", "sha256:zz", ""])("57 the annotation value %j is reported, and its entry kept", async (value) => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" }).entry(builder.image(), { annotations: { [CONTAINERD_SUBJECT]: value } });
    expect(await codesOf(builder)).toContain("INVALID_SUBJECT");
    for (const to of SIX) {
      const layout = builder.layout();
      await convert(layout, { to, only: true });
      expect(rawEntries(await indexText(layout))).toEqual(rawEntries(builder.text()));
    }
  });

  it("58 a referrer of a list is an ordinary link, and keeps its list in reach when the list is written anew", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image);
    const list = builder.list([referrer]);
    const ofList = builder.referrer(list);
    builder
      .entry(image, { tag: "v1" })
      .entry(list, { tag: referrersTag(image.digest) })
      .listed(ofList)
      .listed(builder.referrer(image));
    for (const [to, only] of SIX.flatMap((id) => [[id, false] as const, [id, true] as const])) {
      const layout = builder.layout();
      await convert(layout, { to, only });
      const view = await openView(layout);
      expect((await subjectLinks(view))[list.digest]).toEqual([ofList.digest]);
      expect((await view.reach()).map((r) => r.node.descriptor.digest)).toContain(list.digest);
    }
  });

  it("59 a list that names its own subject and nothing else makes no loop and no link, and is emptied", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" }).entry(builder.list([image]), { annotations: { [OLAREG_SUBJECT]: image.digest } });
    const layout = builder.layout();
    expect((await readGraph(await openView(layout))).size).toBe(0);
    expect(await findTool("olareg")!.finds(await openView(layout), image.digest)).toEqual([image.digest]);
    const { plan } = await convert(layout, { to: "olareg" });
    expect(plan.problems.map((p) => p.code)).toContain("STALE_LINE");
    expect(await findTool("olareg")!.finds(await openView(layout), image.digest)).toEqual([]);
    expect((await convert(layout, { to: "olareg" })).changed).toBe(false);
  });

  it("60 indexes and lists that lead to each other end the walk", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const inner = builder.imageIndex([image]);
    const outer = builder.imageIndex([inner, { ...inner, size: 1 }, inner]);
    const looped = builder.imageIndex([outer, { ...outer, digest: inner.digest }]);
    builder
      .entry(looped, { tag: "v1" })
      .entry(outer, { tag: "v2" })
      .entry(builder.list([inner]), { tag: referrersTag(inner.digest) });
    const view = await openView(builder.layout());
    expect((await view.reach()).length).toBeLessThan(12);
    const found = [];
    for await (const referrer of listReferrers(builder.layout(), inner.digest, { recursive: true })) found.push(referrer);
    expect(found).toEqual([]);
  });

  it("60 annotations that make two manifests each other's referrers end a recursive listing", async () => {
    const builder = new LayoutBuilder();
    const [a, b] = [builder.image(), builder.image()];
    builder.entry(a, { annotations: { [CONTAINERD_SUBJECT]: b.digest } }).entry(b, { annotations: { [CONTAINERD_SUBJECT]: a.digest } });
    const found = [];
    for await (const referrer of listReferrers(builder.layout(), a.digest, { recursive: true })) found.push(referrer);
    expect(found).toMatchObject([{ descriptor: { digest: b.digest }, referrers: [{ descriptor: { digest: a.digest } }] }]);
  });

  it("a manifest is what its own bytes say: types and annotations of entries are never taken for its own", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const referrer = builder.referrer(image, { artifactType: "a/b", annotations: { k: "v" } });
    builder.entry(image, { tag: "v1" }).entry(referrer, { artifactType: "c/d", annotations: { k: "w", more: "x" } });
    expect((await readGraph(await openView(builder.layout()))).edges()).toMatchObject([{ artifactType: "a/b", annotations: { k: "v" } }]);
  });

  it("the olareg flag alone is no list and makes no link", async () => {
    const builder = new LayoutBuilder().annotate({ [OLAREG_CONVERT]: "true" });
    builder.entry(builder.image(), { tag: "v1" });
    const plan = await planConversion(builder.layout(), { to: "regclient", only: true });
    expect(plan.steps).toEqual([{ op: "annotate-index", set: {}, unset: [OLAREG_CONVERT] }]);
  });
});
