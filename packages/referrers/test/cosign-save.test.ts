import { KIND } from "@ocilot/layout";
import { type Digest, type Layout } from "@ocilot/layout";
import { collectGarbage, convert, findTool, openView, planConversion } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { BUNDLE, SIMPLE_SIGNING, SPDX, cosignImage, tagOf } from "./every-class.js";
import { kindsIn, linksIn, problemsIn } from "./reading.js";

describe("cosign save", () => {
  it("of an index with signatures and attestations: both belong to the index", async () => {
    const layout = fixtureLayout("layouts/cosign-save");
    const [root, sigs, atts] = (await layout.index.read()).entries.map((e) => e.descriptor.digest);
    expect((await linksIn(layout)).toSorted()).toEqual(
      [
        [root!, sigs!, "N", "cosign-save"],
        [root!, atts!, "N", "cosign-save"],
      ].toSorted(),
    );
  });

  it("of a signature that is a bundle: found among the blobs without being asked, and reported as nobody's", async () => {
    const layout = fixtureLayout("layouts/cosign-save-bundle");
    expect(await linksIn(layout)).toMatchObject([[expect.any(String), expect.any(String), "S", "unlisted"]]);
    expect((await problemsIn(layout)).map((p) => p.code)).toEqual(["UNLISTED"]);
    const { plan } = await convert(layout, { to: "oras" });
    expect(plan.losses).toEqual([]);
    expect(await linksIn(layout)).toMatchObject([[expect.any(String), expect.any(String), "S", "oras"]]);
    expect(await problemsIn(layout)).toEqual([]);
  });

  it("to another convention and back has every kind again", async () => {
    const layout = fixtureLayout("layouts/cosign-save");
    const before = await kindsIn(layout);
    await convert(layout, { to: "cosign-tags", only: true });
    expect((await linksIn(layout)).map((l) => l[3])).toEqual(["cosign-tags", "cosign-tags"]);
    const again = fixtureLayout("layouts/cosign-save");
    await convert(again, { to: "containerd", only: true });
    expect((await linksIn(again)).map((l) => l[3])).toEqual(["containerd", "containerd"]);
    await convert(again, { to: "cosign-save", only: true });
    expect((await kindsIn(again)).toSorted()).toEqual(before.toSorted());
  });

  it("keeps one image: two are refused, and so is none", async () => {
    const b = new LayoutBuilder();
    const [one, two] = [b.image(), b.image()];
    b.entry(one, { tag: "v1" }).entry(two, { tag: "v2" }).listed(b.referrer(one));
    const { refusals } = await planConversion(b.layout(), { to: "cosign-save" });
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain(one.digest);
    expect(refusals[0]).toContain(two.digest);
    expect((await planConversion(new LayoutBuilder().layout(), { to: "cosign-save" })).refusals).toHaveLength(1);
  });

  it("tells a second signature, an SBOM and the signature of a platform apart from what it can keep", async () => {
    const b = new LayoutBuilder();
    const platform = b.image();
    const index = b.imageIndex([platform]);
    const sig = cosignImage(b, SIMPLE_SIGNING);
    const sbom = cosignImage(b, SPDX);
    const ofPlatform = cosignImage(b, SIMPLE_SIGNING);
    b.entry(index, { tag: "v1" })
      .entry(sig, { tag: tagOf(index, "sig") })
      .entry(sbom, { tag: tagOf(index, "sbom") });
    b.entry(ofPlatform, { tag: tagOf(platform, "sig") });
    const layout = b.layout();
    const { plan } = await convert(layout, { to: "cosign-save" });
    const reasons = Object.fromEntries(plan.losses.map((l) => [l.referrer, l.reason]));
    expect(reasons).toEqual({ [sbom.digest]: "no-form", [ofPlatform.digest]: "not-root" });
    expect(await kindsIn(layout)).toEqual([
      `dev.cosignproject.cosign/imageIndex ${index.digest}`,
      `dev.cosignproject.cosign/sigs ${sig.digest}`,
    ]);
  });

  it("keeps its kinds where the target cannot hold what they hold: half of them would hide a signature", async () => {
    const layout = fixtureLayout("layouts/cosign-save");
    const { text } = await layout.index.read();
    const { plan } = await convert(layout, { to: "oras", only: true });
    expect(plan.losses).toHaveLength(2);
    expect(plan.kept).toHaveLength(3);
    expect((await layout.index.read()).text).toBe(text);
  });

  it("with two images leaves open whose signature it is, and says so", async () => {
    const b = new LayoutBuilder();
    const sig = cosignImage(b, SIMPLE_SIGNING);
    for (const image of [b.image(), b.image()]) b.entry(image, { annotations: { [KIND]: "dev.cosignproject.cosign/image" } });
    b.entry(sig, { annotations: { [KIND]: "dev.cosignproject.cosign/sigs" } });
    expect(await linksIn(b.layout())).toEqual([]);
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "AMBIGUOUS_PARENT", position: 2, digest: sig.digest }]);
  });
});

it("a kind of somebody else's neither means a link nor has the blobs read", async () => {
  const b = new LayoutBuilder();
  const image = b.image();
  b.entry(image, { annotations: { [KIND]: "example.com/chart" } });
  b.referrer(image);
  expect(await linksIn(b.layout())).toEqual([]);
  expect((await planConversion(b.layout(), { to: "oras" })).steps).toEqual([]);
});

describe("a bundle of cosign 3", () => {
  const KEPT = "cases/cosign-bundle-one-image";

  async function tools(layout: Layout, subject: Digest): Promise<Record<string, number>> {
    const view = await openView(layout);
    const found: Record<string, number> = {};
    for (const id of ["oras", "regctl", "olareg", "containerd", "cosign"]) found[id] = (await findTool(id)!.finds(view, subject)).length;
    return found;
  }

  it("is found by cosign and by all others after one conversion to both, and nothing is left behind", async () => {
    const layout = fixtureLayout(KEPT);
    const image = await layout.resolve("v1");
    const { plan } = await convert(layout, { to: ["universal", "cosign-save"] });
    expect(plan).toMatchObject({ to: "universal,cosign-save", losses: [], notes: [], kept: [] });
    expect(await tools(layout, image.digest)).toEqual({ oras: 1, regctl: 1, olareg: 1, containerd: 1, cosign: 1 });
    expect((await convert(layout, { to: ["universal", "cosign-save"] })).changed).toBe(false);
    expect((await convert(layout, { to: ["cosign-save", "universal"] })).changed).toBe(false);
  });

  it.each([[false], [true]])("is not lost in cosign-save, alone (only: %s), and keeps an entry", async (only) => {
    const layout = fixtureLayout(KEPT);
    const image = await layout.resolve("v1");
    const { plan } = await convert(layout, { to: "cosign-save", only });
    expect(plan.losses).toEqual([]);
    expect(await tools(layout, image.digest)).toMatchObject({ oras: 1, cosign: 1 });
    const { removed } = await collectGarbage(layout, { grace: 0 });
    expect(removed).toEqual([]);
  });

  it("that cosign save keeps in blobs/ alone is no loss either, and is still told of as unlisted", async () => {
    const layout = fixtureLayout(KEPT);
    const image = await layout.resolve("v1");
    await layout.index.update(() => [
      { op: "annotate", position: 0, set: { [KIND]: "dev.cosignproject.cosign/image" } },
      { op: "remove", position: 1 },
    ]);
    const { plan, changed } = await convert(layout, { to: "cosign-save" });
    expect({ losses: plan.losses, changed }).toEqual({ losses: [], changed: false });
    expect(plan.problems.map((p) => p.code)).toEqual(["UNLISTED"]);
    expect(await tools(layout, image.digest)).toMatchObject({ oras: 0, cosign: 1 });
    await convert(layout, { to: ["universal", "cosign-save"] });
    expect(await problemsIn(layout)).toEqual([]);
    expect(await tools(layout, image.digest)).toMatchObject({ oras: 1, cosign: 1 });
  });

  it("of an image index is not found by cosign in a directory: a loss alone, a note beside another target", async () => {
    const b = new LayoutBuilder();
    const index = b.imageIndex([b.image()]);
    const layer = b.blob("{}", BUNDLE);
    b.entry(index, { tag: "v1" }).listed(b.referrer(index, { artifactType: BUNDLE, members: { layers: [layer] } }));
    const alone = await planConversion(b.layout(), { to: "cosign-save" });
    expect(alone.losses).toHaveLength(1);
    const both = await planConversion(b.layout(), { to: ["universal", "cosign-save"] });
    expect(both.losses).toEqual([]);
    expect(both.notes).toEqual([expect.stringMatching(/^cosign: the image is an index.*in a registry/)]);
  });

  it("several targets do not go with buildkit", async () => {
    await expect(planConversion(fixtureLayout(KEPT), { to: ["universal", "buildkit"] })).rejects.toThrow("cannot be combined");
  });
});
