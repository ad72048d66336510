import {
  CONTAINERD_SUBJECT,
  DOCKER_MANIFEST,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  IMAGE_SPEC_SUBJECT,
  KIND,
  type Layout,
  OLAREG_SUBJECT,
} from "@ocilot/layout";
import { type ReferrerEdge, convert, planConversion, referrersTag, verifyLayout } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout, fixtureNames } from "@ocilot/testkit";
import { describe, expect, it, vi } from "vitest";
import { SIMPLE_SIGNING, bare, cosignImage, describing, tagOf } from "./every-class.js";
import { edgesIn, problemsIn } from "./reading.js";

async function onlyEdge(layout: Layout): Promise<ReferrerEdge> {
  const edges = await edgesIn(layout);
  expect(edges).toHaveLength(1);
  return edges[0]!;
}

describe("BuildKit's attestations", () => {
  it.each(["buildkit-attestation", "buildkit-oci-artifact"])("of the fixture %s are found, of both generations", async (name) => {
    const edges = await edgesIn(fixtureLayout(`layouts/${name}`));
    expect(edges).toHaveLength(2);
    for (const e of edges) expect(e).toMatchObject({ link: name === "buildkit-attestation" ? "N" : "S", verified: true });
    expect((await planConversion(fixtureLayout(`layouts/${name}`), { to: "containerd" })).losses).toEqual([]);
  });

  it("of both generations in one layout, two for one platform, and one for a manifest that is elsewhere", async () => {
    const b = new LayoutBuilder();
    const [image, elsewhere] = [b.image(), b.image()];
    const style = [b.referrer(image), b.image(), b.image(), b.image()];
    const index = b.imageIndex([
      image,
      describing(style[0]!, image),
      describing(style[1]!, image),
      describing(style[2]!, image),
      describing(style[3]!, elsewhere),
    ]);
    b.entry(index, { tag: "v1" }).forget(elsewhere);
    const found = (await edgesIn(b.layout())).map((e) => `${e.subject} ${e.link}`);
    expect(found.toSorted()).toEqual([`${image.digest} S`, `${image.digest} N`, `${image.digest} N`, `${elsewhere.digest} N`].toSorted());
  });

  it("that say one subject in the index and another in the manifest: the manifest is right, the index is reported", async () => {
    const b = new LayoutBuilder();
    const [image, other] = [b.image(), b.image()];
    const attestation = b.referrer(image);
    b.entry(b.imageIndex([image, other, describing(attestation, other)]), { tag: "v1" });
    expect(await onlyEdge(b.layout())).toMatchObject({ subject: image.digest });
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "SUBJECT_CONFLICT", position: 0, digest: attestation.digest }]);
  });

  it("of another type are reported, and no link; without a digest that is one likewise", async () => {
    const b = new LayoutBuilder();
    const [image, cache, lost] = [b.image(), b.image(), b.image()];
    b.entry(b.imageIndex([image, describing(cache, image, "cache"), describing(lost, { digest: "latest" })]), { tag: "v1" });
    expect(await edgesIn(b.layout())).toEqual([]);
    expect(await problemsIn(b.layout())).toMatchObject([
      { code: "UNKNOWN_REFERENCE_TYPE", digest: cache.digest },
      { code: "INVALID_SUBJECT", digest: lost.digest },
    ]);
  });

  it("that are signed themselves: the signature of the attestation is a link of its own, and survives", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const attestation = b.image();
    const signature = cosignImage(b, SIMPLE_SIGNING, attestation);
    b.entry(b.imageIndex([image, describing(attestation, image)]), { tag: "v1" }).listed(signature);
    const layout = b.layout();
    const { plan } = await convert(layout, { to: "olareg" });
    expect(plan.losses).toMatchObject([{ referrer: attestation.digest, reason: "no-subject" }]);
    expect((await edgesIn(layout)).map((e) => `${e.subject} ${e.referrer.digest} ${e.link}`)).toContain(
      `${attestation.digest} ${signature.digest} S`,
    );
  });
});

describe("records that contradict each other", () => {
  it("a subject described wrong is reported on the referrer's entry, by size and by media type", async () => {
    expect((await problemsIn(fixtureLayout("edge/wrong-subject-size"))).map((p) => [p.code, p.position])).toContainEqual([
      "SUBJECT_MISMATCH",
      3,
    ]);
    const b = new LayoutBuilder();
    const image = b.image({ members: { mediaType: undefined } });
    const d = b.referrer({ ...image, mediaType: DOCKER_MANIFEST });
    b.entry(image, { tag: "v1" }).listed(d);
    expect(await onlyEdge(b.layout())).toMatchObject({ subject: image.digest });
    expect((await problemsIn(b.layout())).map((p) => [p.code, p.position, p.digest])).toContainEqual(["SUBJECT_MISMATCH", 1, d.digest]);
  });

  it("a subject described as it is has no fault where only the entry of index.json describes it wrongly", async () => {
    for (const wrong of [{ size: 415 }, { mediaType: IMAGE_INDEX }]) {
      const b = new LayoutBuilder();
      const image = b.image();
      b.entry({ ...image, ...wrong }, { tag: "v1" }).listed(b.referrer(image));
      expect((await problemsIn(b.layout())).map((p) => p.code)).toEqual(["UNREADABLE"]);
      const { findings } = await verifyLayout(b.layout());
      expect(findings.map((f) => f.code)).not.toContain("SUBJECT_MISMATCH");
    }
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry({ ...image, size: 1 }, { tag: "v1" }).listed(b.referrer({ ...image, size: 2 }));
    const said = (await problemsIn(b.layout())).find((p) => p.code === "SUBJECT_MISMATCH");
    expect(said!.message).toContain(`wrongly: ${image.digest} has ${image.size} bytes, and its descriptor states 2`);
  });

  it("one referrer claimed for two subjects: its subject decides, the other entry is reported", async () => {
    const b = new LayoutBuilder();
    const [one, two] = [b.image(), b.image()];
    const d = b.referrer(one);
    b.entry(one, { tag: "v1" }).entry(two, { tag: "v2" });
    b.listed(d, { [CONTAINERD_SUBJECT]: one.digest }).listed(d, { [CONTAINERD_SUBJECT]: two.digest });
    expect(await onlyEdge(b.layout())).toMatchObject({ subject: one.digest });
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "SUBJECT_CONFLICT", position: 3, digest: d.digest }]);
  });

  it("one manifest without subject claimed for two: both claims stand, and that is reported", async () => {
    const b = new LayoutBuilder();
    const [one, two] = [b.image(), b.image()];
    const sig = cosignImage(b, SIMPLE_SIGNING);
    b.entry(one, { tag: "v1" })
      .entry(two, { tag: "v2" })
      .entry(sig, { tag: tagOf(one, "sig") });
    b.entry(sig, { annotations: { [CONTAINERD_SUBJECT]: two.digest } });
    expect(await edgesIn(b.layout())).toHaveLength(2);
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "SUBJECT_CONFLICT", digest: sig.digest }]);
  });

  it("a stale list, a foreign line and a second list of one subject: each with the entry of its list", async () => {
    const b = new LayoutBuilder();
    const [one, two, none] = [b.image(), b.image(), b.image()];
    const [a, z] = [b.referrer(one), b.referrer(two)];
    b.entry(one, { tag: "v1" }).entry(two, { tag: "v2" });
    b.entry(b.list([a, none]), { tag: referrersTag(one.digest) });
    b.entry(b.list([a, z]), { annotations: { [OLAREG_SUBJECT]: one.digest } });
    b.entry(b.list([a]), { annotations: { [OLAREG_SUBJECT]: one.digest } });
    const found = (await problemsIn(b.layout())).map((p) => [p.code, p.position]);
    expect(found.toSorted()).toEqual([
      ["DUPLICATE_LIST", 4],
      ["FOREIGN_LINE", 3],
      ["STALE_LINE", 2],
    ]);
    expect((await edgesIn(b.layout())).map((e) => e.referrer.digest).toSorted()).toEqual([a.digest, z.digest].toSorted());
  });

  it("a mark on what is no list, or with a value that is no digest, is reported although it makes no record", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1", annotations: { [OLAREG_SUBJECT]: image.digest } });
    b.entry(b.list([]), { annotations: { [IMAGE_SPEC_SUBJECT]: "latest" } });
    b.entry(b.image(), { annotations: { [CONTAINERD_SUBJECT]: "v1" } });
    const found = (await problemsIn(b.layout())).map((p) => [p.code, p.position]);
    expect(found).toContainEqual(["AMBIGUOUS_LIST", 0]);
    expect(found).toContainEqual(["INVALID_SUBJECT", 1]);
    expect(found).toContainEqual(["INVALID_SUBJECT", 2]);
  });
});

describe("links of which an end is missing, or that go in circles", () => {
  it("keep a dangling subject under cosign's tags and in blobs alone", async () => {
    const b = new LayoutBuilder();
    const [here, gone] = [b.image(), b.image()];
    const [sig, sbom] = [cosignImage(b, SIMPLE_SIGNING), b.referrer(gone)];
    b.entry(here, { annotations: { [KIND]: "dev.cosignproject.cosign/image" } })
      .entry(sig, { tag: tagOf(gone, "sig") })
      .forget(gone);
    const layout = b.layout();
    const before = (await edgesIn(layout)).map((e) => e.referrer.digest);
    expect(before.toSorted()).toEqual([sig.digest, sbom.digest].toSorted());
    for (const to of ["containerd", "universal", "cosign-save"] as const) await convert(layout, { to });
    expect((await edgesIn(layout)).map((e) => e.referrer.digest)).toEqual(before);
  });

  it("follow a chain of which only the end is listed, and one of which nothing is", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const one = b.referrer(image);
    const two = b.referrer(one);
    const three = b.referrer(two);
    b.entry(image, { annotations: { [KIND]: "dev.cosignproject.cosign/image" } });
    expect(await edgesIn(b.layout())).toHaveLength(3);
    b.entries.length = 0;
    expect(await edgesIn(b.entry(image).listed(three).layout())).toHaveLength(3);
  });

  it("of blobs are found on demand, a manifest without mediaType among them, and are not referrers to a plain look", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const d = b.document(
      { schemaVersion: 2, config: b.blob("{}", "application/vnd.docker.container.image.v1+json"), layers: [], subject: bare(image) },
      IMAGE_MANIFEST,
    );
    b.entry(image, { tag: "v1" });
    expect(await edgesIn(b.layout())).toEqual([]);
    expect((await edgesIn(b.layout(), true)).map((e) => e.referrer)).toEqual([bare(d)]);
    expect((await problemsIn(b.layout(), true)).map((p) => p.code)).toEqual(["UNLISTED"]);
  });
});

it("links without subject stay where they are when a list is written, and are counted", async () => {
  const b = new LayoutBuilder();
  const image = b.image();
  const sig = cosignImage(b, SIMPLE_SIGNING);
  b.entry(image, { tag: "v1" })
    .entry(sig, { tag: tagOf(image, "sig") })
    .listed(b.referrer(image));
  const layout = b.layout();
  const { plan } = await convert(layout, { to: "regclient", only: true });
  expect(plan.losses).toMatchObject([{ referrer: sig.digest, reason: "no-subject" }]);
  expect(await edgesIn(layout)).toHaveLength(2);
});

it("one signature under 10,000 of cosign's tags is found 10,000 times and read once", async () => {
  const b = new LayoutBuilder();
  const sig = cosignImage(b, SIMPLE_SIGNING);
  for (let i = 0; i < 10_000; i++) b.entry(sig, { tag: `sha256-${i.toString(16).padStart(64, "0")}.sig` });
  const layout = b.layout();
  const asked = vi.spyOn(layout.blobs, "bytesMany");
  expect(await edgesIn(layout)).toHaveLength(10_000);
  expect(asked.mock.calls.flatMap(([descriptors]) => descriptors.map((d) => d.digest))).toEqual([sig.digest]);
});

it.each([...fixtureNames("layouts").map((n) => `layouts/${n}`), ...fixtureNames("edge").map((n) => `edge/${n}`)])(
  "%s: every problem names an entry or a digest, and what is wrong with it",
  async (name) => {
    for (const p of await problemsIn(fixtureLayout(name), true)) {
      expect(p.position ?? p.digest).toBeDefined();
      expect(p.message).toMatch(/sha256|sha512|blake3|index\.json|org\.|io\./);
    }
  },
);
