import { CONTAINERD_SUBJECT, type Descriptor, KIND } from "@ocilot/layout";
import { type ToolId, findTool, openView, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { BUNDLE, SIMPLE_SIGNING, cosignImage, describing } from "./every-class.js";

const NOTARY = "application/vnd.cncf.notary.signature";

async function found(tool: ToolId, b: LayoutBuilder, subject: Descriptor): Promise<string[]> {
  return [...(await findTool(tool)!.finds(await openView(b.layout()), subject.digest))].toSorted();
}

async function blocked(tool: ToolId, b: LayoutBuilder): Promise<boolean> {
  return (await findTool(tool)!.traps(await openView(b.layout()))).some((t) => t.severity === "blocks");
}

describe("notation", () => {
  it("takes signatures by their type over the empty config, or by the type of the config, and nothing else", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const one = b.referrer(image, { members: { artifactType: undefined, config: b.blob("{}", NOTARY) } });
    const two = b.referrer(image, { artifactType: NOTARY });
    const oddConfig = b.referrer(image, { artifactType: NOTARY, members: { config: b.blob("[]", "application/json") } });
    b.entry(image, { tag: "v1" });
    for (const d of [one, two, oddConfig, b.referrer(image)]) b.listed(d);
    expect(await found("notation", b, image)).toEqual([one.digest, two.digest].toSorted());
  });

  it("finds nothing where the subject is described otherwise, or one referrer is over 4 MiB", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" }).listed(b.referrer({ ...image, size: image.size }, { artifactType: NOTARY }));
    expect(await found("notation", b, image)).toHaveLength(1);
    b.listed(b.referrer(image, { annotations: { big: "x".repeat(4 << 20) } }));
    expect(await found("notation", b, image)).toEqual([]);
  });

  it.each(["layouts/notation", "edge/notation-under-fallback-tag"])("finds its signature in %s", async (name) => {
    const view = await openView(fixtureLayout(name));
    const finds = await Promise.all((await view.reach()).map((r) => findTool("notation")!.finds(view, r.node.descriptor.digest)));
    expect(new Set(finds.flat()).size).toBe(1);
  });
});

describe("buildx", () => {
  it("finds inline attestations of both generations, entries with a subject, and marked entries unopened", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const [inline, old] = [b.referrer(image), b.image()];
    const index = b.imageIndex([image, describing(inline, image), describing(old, image)]);
    const [listed, marked, inList, asIndex] = [b.referrer(image), b.image(), b.referrer(image), b.referrer(image, { shape: "index" })];
    b.entry(index, { tag: "v1" }).listed(listed).listed(asIndex);
    b.entry(marked, { annotations: { [CONTAINERD_SUBJECT]: image.digest } }).forget(marked);
    b.entry(b.list([inList]), { tag: referrersTag(image.digest) });
    expect(await found("buildx", b, image)).toEqual([inline, old, listed, marked, inList].map((d) => d.digest).toSorted());
  });

  it("finds nothing at all in a sparse layout, and passes over Docker's media types", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const platform = b.image();
    b.entry(b.imageIndex([image, platform]), { tag: "v1" })
      .listed(b.referrer(image))
      .forget(platform);
    expect(await found("buildx", b, image)).toEqual([]);
    expect(await blocked("buildx", b)).toBe(true);
  });
});

describe("zot", () => {
  it("finds what is a row of its own, images and indexes, and nothing inside an index or a list", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const [row, index, inList, inline] = [b.referrer(image), b.referrer(image, { shape: "index" }), b.referrer(image), b.referrer(image)];
    b.entry(b.imageIndex([image, describing(inline, image)]), { tag: "v1" })
      .listed(row)
      .listed(index);
    b.listed(b.referrer(image, { shape: "artifact" })).entry(b.list([inList]), { tag: referrersTag(image.digest) });
    expect(await found("zot", b, image)).toEqual([row.digest, index.digest].toSorted());
  });

  it("fails on any row that cannot be read, but not on the subject itself", async () => {
    const b = new LayoutBuilder();
    const [image, other] = [b.image(), b.image()];
    const row = b.referrer(image);
    b.entry(image, { tag: "v1" }).listed(row).forget(image);
    expect(await found("zot", b, image)).toEqual([row.digest]);
    b.entry(other, { tag: "v2" }).forget(other);
    expect(await found("zot", b, image)).toEqual([]);
    expect(await blocked("zot", b)).toBe(true);
  });
});

describe("cosign", () => {
  it("finds the saved signatures and every bundle among the blobs, for the first image alone", async () => {
    const b = new LayoutBuilder();
    const [image, other] = [b.image(), b.image()];
    const sig = cosignImage(b, SIMPLE_SIGNING);
    const bundle = b.referrer(image, { members: { layers: [b.blob("bundle", BUNDLE)] } });
    const listed = b.referrer(image, { members: { layers: [b.blob("bundle 2", BUNDLE)] } });
    b.referrer(image);
    b.referrer(other, { members: { layers: [b.blob("bundle 3", BUNDLE)] } });
    b.entry(image, { annotations: { [KIND]: "dev.cosignproject.cosign/image" } });
    b.entry(other, { annotations: { [KIND]: "dev.cosignproject.cosign/image" } });
    b.entry(sig, { annotations: { [KIND]: "dev.cosignproject.cosign/sigs" } }).listed(listed);
    expect(await found("cosign", b, image)).toEqual([sig, bundle, listed].map((d) => d.digest).toSorted());
    expect(await found("cosign", b, other)).toEqual([]);
  });

  it("finds the saved signatures of an index, as the real one does, but no bundle of it, and says so", async () => {
    const view = await openView(fixtureLayout("layouts/cosign-save"));
    const [root, sigs, atts] = view.entries.map((e) => e.descriptor.digest);
    expect(await findTool("cosign")!.finds(view, root!)).toEqual([sigs, atts]);
    expect(await findTool("cosign")!.traps(view)).toMatchObject([{ severity: "warns" }]);

    const b = new LayoutBuilder();
    const index = b.imageIndex([b.image()]);
    b.referrer(index, { members: { layers: [b.blob("bundle", BUNDLE)] } });
    b.entry(index, { annotations: { [KIND]: "dev.cosignproject.cosign/imageIndex" } });
    expect(await found("cosign", b, index)).toEqual([]);
  });

  it("knows nothing of a layout without its kinds", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" }).listed(b.referrer(image, { members: { layers: [b.blob("bundle", BUNDLE)] } }));
    expect(await found("cosign", b, image)).toEqual([]);
  });
});
