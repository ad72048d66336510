import { KIND } from "@ocilot/layout";
import { convert, planConversion } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { SIMPLE_SIGNING, SPDX, cosignImage, tagOf } from "./every-class.js";
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
