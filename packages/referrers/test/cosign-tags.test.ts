import { convert, planConversion, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { BUNDLE, DSSE, SIMPLE_SIGNING, SPDX, cosignImage, tagOf } from "./every-class.js";
import { edgesIn, linksIn, problemsIn, tagsIn } from "./reading.js";

describe("cosign's tags", () => {
  it("are read with .sig, .att and .sbom, a prefix, a full image name and sha512, each as what it is", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const long = b.image({ algorithm: "sha512" });
    const sig = cosignImage(b, SIMPLE_SIGNING);
    const att = cosignImage(b, DSSE);
    const sbom = cosignImage(b, SPDX);
    const deep = cosignImage(b, SIMPLE_SIGNING);
    b.entry(image, { tag: "v1" }).entry(long, { tag: "v2" });
    b.entry(sig, { tag: tagOf(image, "sig") });
    b.entry(att, { tag: `mirror-${tagOf(image, "att")}` });
    b.entry(sbom, { tag: `registry.example:5000/app:${tagOf(image, "sbom")}` });
    b.entry(deep, { tag: tagOf(long, "sig") });
    const found = await linksIn(b.layout());
    for (const [subject, referrer] of [
      [image, sig],
      [image, att],
      [image, sbom],
      [long, deep],
    ] as const) {
      expect(found).toContainEqual([subject.digest, referrer.digest, "N", "cosign-tags"]);
    }
    expect(found).toHaveLength(4);
  });

  it("of a sha512 digest cut to 64 characters mean the one manifest that begins so", async () => {
    const b = new LayoutBuilder();
    const image = b.image({ algorithm: "sha512" });
    const sig = cosignImage(b, SIMPLE_SIGNING);
    b.entry(image, { tag: "v1" }).entry(sig, { tag: `sha512-${image.digest.slice(7, 71)}.sig` });
    expect(await linksIn(b.layout())).toEqual([[image.digest, sig.digest, "N", "cosign-tags"]]);
    b.entry(sig, { tag: `sha512-${"0".repeat(64)}.sig` });
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "INVALID_SUBJECT", position: 2 }]);
  });

  it("with a suffix that is not cosign's are left alone and reported", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const other = b.image();
    b.entry(image, { tag: "v1" }).entry(other, { tag: tagOf(image, "foo") });
    expect(await linksIn(b.layout())).toEqual([]);
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "UNKNOWN_DIGEST_TAG", position: 1, digest: other.digest }]);
  });

  it("beside a fallback tag, on a manifest with subject: one S-edge with all the evidence", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const sig = cosignImage(b, SIMPLE_SIGNING, image);
    b.entry(image, { tag: "v1" }).entry(sig, { tag: tagOf(image, "sig") });
    b.entry(b.list([sig]), { tag: referrersTag(image.digest) });
    expect(await linksIn(b.layout())).toEqual([[image.digest, sig.digest, "S", "oras regclient cosign-tags"]]);
  });

  it("on a manifest that names another subject lose to the manifest, and the contradiction is reported", async () => {
    const b = new LayoutBuilder();
    const [image, other] = [b.image(), b.image()];
    const sig = cosignImage(b, SIMPLE_SIGNING, other);
    b.entry(image, { tag: "v1" })
      .entry(other, { tag: "v2" })
      .entry(sig, { tag: tagOf(image, "sig") });
    expect(await linksIn(b.layout())).toEqual([[other.digest, sig.digest, "S", "oras"]]);
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "SUBJECT_CONFLICT", position: 2, digest: sig.digest }]);
  });

  it("on a manifest of their own digest are no link, and no loop", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: tagOf(image, "sig") });
    expect(await linksIn(b.layout())).toEqual([]);
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "SUBJECT_CONFLICT", position: 0 }]);
  });

  it("whose manifest is absent are links that nobody can verify", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const sig = cosignImage(b, SIMPLE_SIGNING);
    b.entry(image, { tag: "v1" })
      .entry(sig, { tag: tagOf(image, "sig") })
      .forget(sig);
    const [edge] = await edgesIn(b.layout());
    expect(edge).toMatchObject({ subject: image.digest, link: "N", verified: false });
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "UNVERIFIED_LINE", position: 1 }]);
  });

  it("are given to what cosign would take for its own, and to nothing else", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const sig = cosignImage(b, SIMPLE_SIGNING, image);
    const bundle = b.referrer(image, { artifactType: BUNDLE });
    const dsseArtifact = b.referrer(image, { members: { layers: [b.blob("envelope", DSSE)] } });
    b.entry(image, { tag: "v1" }).listed(sig).listed(bundle).listed(dsseArtifact);
    const layout = b.layout();
    const { plan } = await convert(layout, { to: "cosign-tags" });
    expect(await tagsIn(layout)).toEqual(["v1", tagOf(image, "sig")]);
    expect(plan.losses.map((l) => [l.referrer, l.reason]).toSorted()).toEqual(
      [
        [bundle.digest, "no-form"],
        [dsseArtifact.digest, "no-form"],
      ].toSorted(),
    );
  });

  it("hold one manifest each: a second one stays out, two newcomers are refused, a stranger's tag is not taken", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const [first, second] = [cosignImage(b, SIMPLE_SIGNING, image), cosignImage(b, SIMPLE_SIGNING, image)];
    b.entry(image, { tag: "v1" })
      .entry(first, { tag: tagOf(image, "sig") })
      .listed(second);
    const there = await planConversion(b.layout(), { to: "cosign-tags" });
    expect(there.losses).toMatchObject([{ referrer: second.digest, reason: "taken" }]);
    const rivals = new LayoutBuilder();
    const it2 = rivals.image();
    const pair = [cosignImage(rivals, SIMPLE_SIGNING, it2), cosignImage(rivals, SIMPLE_SIGNING, it2)];
    rivals.entry(it2, { tag: "v1" }).listed(pair[0]!).listed(pair[1]!);
    const refused = await planConversion(rivals.layout(), { to: "cosign-tags" });
    for (const d of pair) expect(refused.refusals[0]).toContain(d.digest);
    const taken = new LayoutBuilder();
    const it3 = taken.image();
    const [mine, other] = [cosignImage(taken, SIMPLE_SIGNING, it3), taken.image()];
    const elsewhere = cosignImage(taken, SIMPLE_SIGNING, other);
    taken
      .entry(it3, { tag: "v1" })
      .entry(other, { tag: "v2" })
      .listed(mine)
      .entry(elsewhere, { tag: tagOf(it3, "sig") });
    expect((await planConversion(taken.layout(), { to: "cosign-tags" })).refusals[0]).toContain(elsewhere.digest);
  });

  it("stay when everything else goes: they are names", async () => {
    const layout = fixtureLayout("layouts/cosign-tags");
    const tags = await tagsIn(layout);
    const { plan } = await convert(layout, { to: "containerd", only: true });
    expect(plan.losses).toEqual([]);
    expect(await tagsIn(layout)).toEqual(tags);
    expect(plan.kept).toHaveLength(2);
  });
});
