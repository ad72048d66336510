import { DOCKER_MANIFEST, type Descriptor, EMPTY_JSON, IMAGE_MANIFEST, type Layout } from "@ocilot/layout";
import { type ReferrerEdge, convert, planConversion } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { bare } from "./every-class.js";
import { edgesIn, problemsIn } from "./reading.js";

async function onlyEdge(layout: Layout): Promise<ReferrerEdge> {
  const edges = await edgesIn(layout);
  expect(edges).toHaveLength(1);
  return edges[0]!;
}

/** A layout of one image and one manifest made of `members` over its own image manifest. */
function withReferrer(
  members: Readonly<Record<string, unknown>>,
  mediaType = IMAGE_MANIFEST,
): { b: LayoutBuilder; image: Descriptor; d: Descriptor } {
  const b = new LayoutBuilder();
  const image = b.image();
  const config = b.blob("{}", EMPTY_JSON);
  const d = b.document({ schemaVersion: 2, mediaType, config, layers: [], subject: bare(image), ...members }, mediaType);
  b.entry(image, { tag: "v1" }).entry(d);
  return { b, image, d };
}

/** A layout of one image and a manifest of exactly this text. */
function withText(textFor: (subject: string) => string): LayoutBuilder {
  const b = new LayoutBuilder();
  const image = b.image();
  return b.entry(image, { tag: "v1" }).entry(b.blob(textFor(JSON.stringify(bare(image))), IMAGE_MANIFEST));
}

describe("the artifact type", () => {
  it("is the config's media type where the manifest has none, as notation 1 writes it", async () => {
    const config = { mediaType: "application/vnd.cncf.notary.signature", digest: `sha256:${"1".repeat(64)}`, size: 2 };
    expect(await onlyEdge(withReferrer({ config }).b.layout())).toMatchObject({ artifactType: config.mediaType });
  });

  it.each([{}, { artifactType: "" }])("is that of the empty config for %j, and that is reported", async (members) => {
    const { b, d } = withReferrer(members);
    expect(await onlyEdge(b.layout())).toMatchObject({ artifactType: EMPTY_JSON });
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "EMPTY_ARTIFACT_TYPE", position: 1, digest: d.digest }]);
  });

  it("is not what the config descriptor carries, as cosign 3 writes it there too", async () => {
    const { b } = withReferrer({});
    const config = { ...b.blob("{}", EMPTY_JSON), artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json" };
    expect(await onlyEdge(withReferrer({ config }).b.layout())).toMatchObject({ artifactType: EMPTY_JSON });
  });

  it("of an index is its own or none", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" });
    b.entry(b.imageIndex([b.image()], { subject: bare(image), artifactType: "application/vnd.example.set" }));
    b.entry(b.imageIndex([b.image()], { subject: bare(image) }));
    expect((await edgesIn(b.layout())).map((e) => e.artifactType).toSorted()).toEqual(["application/vnd.example.set", undefined]);
  });
});

it("an index that is a referrer and a multi-platform image: its own link and those of its children are found", async () => {
  const b = new LayoutBuilder();
  const [image, platform] = [b.image(), b.image()];
  const index = b.imageIndex([platform], { subject: bare(image), artifactType: "application/vnd.example.set" });
  const sbom = b.referrer(platform);
  b.entry(image, { tag: "v1" }).entry(index, { tag: "set" }).listed(sbom);
  const found = (await edgesIn(b.layout())).map((e) => `${e.subject} ${e.referrer.digest}`);
  expect(found.toSorted()).toEqual([`${image.digest} ${index.digest}`, `${platform.digest} ${sbom.digest}`].toSorted());
});

describe("what seems to be a link and is none", () => {
  it("a subject on a Docker manifest, which is reported", async () => {
    const { b, d } = withReferrer({}, DOCKER_MANIFEST);
    expect(await edgesIn(b.layout())).toEqual([]);
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "SUBJECT_IGNORED", position: 1, digest: d.digest }]);
  });

  it.each([
    ["a byte order mark", (s: string) => `\ufeff{"schemaVersion":2,"mediaType":"${IMAGE_MANIFEST}","layers":[],"subject":${s}}`],
    ["two subjects", (s: string) => `{"schemaVersion":2,"mediaType":"${IMAGE_MANIFEST}","layers":[],"subject":${s},"subject":${s}}`],
    ["a size that is text", (s: string) => `{"schemaVersion":2,"subject":${s.replace(/"size":\d+/, '"size":"7"')},"layers":[]}`],
    ["manifests and layers at once", (s: string) => `{"schemaVersion":2,"manifests":[],"layers":[],"subject":${s}}`],
    ["an annotation that is no text", (s: string) => `{"schemaVersion":2,"layers":[],"annotations":{"n":1},"subject":${s}}`],
    ["more than 8 MiB", (s: string) => `{"schemaVersion":2,"layers":[],"annotations":{"n":"${"x".repeat(8 << 20)}"},"subject":${s}}`],
  ])("a manifest with %s, which is reported with its entry", async (_, textFor) => {
    const layout = withText(textFor).layout();
    expect(await edgesIn(layout)).toEqual([]);
    expect(await problemsIn(layout)).toMatchObject([{ code: "UNREADABLE", position: 1, message: expect.stringContaining("sha256:") }]);
  });

  it("the subject and the artifact type of index.json itself", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.tail["subject"] = bare(image);
    b.tail["artifactType"] = "application/vnd.example";
    expect(await edgesIn(b.entry(image, { tag: "v1" }).layout())).toEqual([]);
  });
});

describe("what early proposals left behind", () => {
  it("OCI and ORAS artifact manifests are referrers, marked as legacy", async () => {
    const edges = (await edgesIn(fixtureLayout("edge/legacy-artifact-manifests"))).filter((e) => e.legacy);
    expect(edges.map((e) => e.referrer.mediaType).toSorted()).toEqual([
      "application/vnd.cncf.oras.artifact.manifest.v1+json",
      "application/vnd.oci.artifact.manifest.v1+json",
    ]);
    const { losses } = await planConversion(fixtureLayout("edge/legacy-artifact-manifests"), { to: "oras" });
    expect(losses).toMatchObject([{ reason: "legacy-type" }]);
  });

  it("the members reference and data are reported, and outlive a conversion byte for byte", async () => {
    const { b, image, d } = withReferrer({ artifactType: "application/vnd.example", reference: { digest: "x" }, data: "e30=" });
    b.entry(image, { tag: "v2", members: { reference: { mediaType: "m" }, data: "e30=" } });
    const layout = b.layout();
    const found = (await problemsIn(layout)).map((p) => [p.code, p.position, p.digest]);
    expect(found).toContainEqual(["LEGACY_MEMBER", 1, d.digest]);
    expect(found).toContainEqual(["LEGACY_MEMBER", 2, image.digest]);
    await convert(layout, { to: "universal" });
    expect((await layout.index.read()).text).toContain('"reference":{"mediaType":"m"},"data":"e30="');
  });

  it("a proposal's members in the middle of a real manifest, as in data of a config, are not reported", async () => {
    const { b } = withReferrer({
      artifactType: "application/vnd.example",
      config: { mediaType: EMPTY_JSON, digest: `sha256:${"4".repeat(64)}`, size: 2, data: "e30=" },
    });
    expect(await problemsIn(b.layout())).toEqual([]);
  });
});
