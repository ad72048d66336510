import { CONTAINERD_SUBJECT, type Descriptor, type Digest, EMPTY_JSON, IMAGE_CONFIG, type Layout } from "@ocilot/layout";
import { LIFTED_FROM, type Lift, convert, findTool, lift, openView, readGraph } from "@ocilot/referrers";
import { LayoutBuilder, blobHashes, fixtureLayout, fixtureNames, indexText } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { DSSE, SIMPLE_SIGNING, SPDX, cosignImage, everyClass, tagOf } from "./every-class.js";
import { entriesOf, errorOf } from "./helpers.js";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json";
const SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";

async function textOf(layout: Layout, d: { digest: string }): Promise<string> {
  return new TextDecoder().decode(await layout.blobs.bytes(await layout.resolve(`@${d.digest}`)));
}

async function manifestAt(layout: Layout, d: { digest: string }): Promise<Record<string, any>> {
  return JSON.parse(await textOf(layout, d)) as Record<string, any>;
}

/** What the models of the five programs find of a subject. */
async function findersOf(layout: Layout, { subject, to }: Lift): Promise<string[]> {
  const view = await openView(layout);
  const ids = ["oras", "regctl", "regctl-slow", "olareg", "containerd", "buildx", "zot"];
  const found = await Promise.all(ids.map(async (id) => (await findTool(id)!.finds(view, subject)).includes(to.digest)));
  return ids.filter((_, i) => found[i]);
}

describe("a lifted BuildKit attestation", () => {
  it("is member by member, and byte by byte, what BuildKit writes with oci-artifact=true", async () => {
    const layout = fixtureLayout("layouts/buildkit-attestation");
    const model = fixtureLayout("layouts/buildkit-oci-artifact");
    const theirs = new Map((await readGraph(await openView(model))).edges().map((e) => [e.subject, e.referrer]));
    const { lifted, left } = await lift(layout);
    expect(left).toEqual([]);
    expect(lifted.map((l) => l.subject).toSorted()).toEqual([...theirs.keys()].toSorted());
    for (const { subject, from, to, artifactType } of lifted) {
      const ours = await manifestAt(layout, to);
      const [layer] = ours["layers"] as Descriptor[];
      const other = await manifestAt(model, theirs.get(subject)!);
      for (const member of ["schemaVersion", "mediaType", "artifactType", "config", "subject"]) expect(ours[member]).toEqual(other[member]);
      expect(Object.keys(ours)).toEqual(Object.keys(other));
      expect(ours["layers"]).toEqual((await manifestAt(layout, { digest: from }))["layers"]);
      expect(artifactType).toBe(ATTESTATION);
      // Two builds never have the same provenance: but for its digest, every byte is BuildKit's.
      const text = await textOf(model, theirs.get(subject)!);
      expect(await textOf(layout, to)).toBe(text.replace((other["layers"] as Descriptor[])[0]!.digest, layer!.digest));
      expect(await findersOf(layout, { subject, from, to })).toEqual([
        "oras",
        "regctl",
        "regctl-slow",
        "olareg",
        "containerd",
        "buildx",
        "zot",
      ]);
    }
  });

  it("stands beside the original, which stays where it was with every byte", async () => {
    const layout = fixtureLayout("layouts/buildkit-attestation");
    const before = await blobHashes(layout);
    const [first] = await entriesOf(layout);
    await lift(layout);
    const after = await blobHashes(layout);
    for (const [digest, hash] of before) expect(after.get(digest)).toBe(hash);
    expect((await entriesOf(layout))[0]).toEqual(first);
    expect([...(await readGraph(await openView(layout))).edges()].filter((e) => e.link === "N")).toHaveLength(2);
  });
});

describe("a lifted image of cosign's", () => {
  it.each(["cosign-tags", "cosign-save"] as const)("from %s has the type that cosign asks for, and the same layers", async (name) => {
    const layout = fixtureLayout(`layouts/${name}`);
    const { lifted, conventions } = await lift(layout, { from: [name] });
    expect(conventions).toEqual(["universal"]);
    const forms = await Promise.all(
      lifted.map(async (l) => [l, await manifestAt(layout, l.to), await manifestAt(layout, { digest: l.from })] as const),
    );
    const sig = forms.find(([l]) => l.artifactType === SIGNATURE);
    const [link, ours, original] = sig!;
    expect(ours).toEqual({
      ...original,
      artifactType: SIGNATURE,
      config: { ...original["config"], mediaType: SIGNATURE },
      subject: expect.objectContaining({ digest: link.subject, size: 645 }) as object,
      annotations: { [LIFTED_FROM]: link.from },
    });
    const att = forms.find(([l]) => l.artifactType === "application/vnd.in-toto+json");
    expect(att![1]["layers"]).toEqual(att![2]["layers"]);
    expect(att![1]["config"]).toMatchObject({ mediaType: EMPTY_JSON, data: "e30=" });
    for (const l of lifted)
      expect(await findersOf(layout, l)).toEqual(["oras", "regctl", "regctl-slow", "olareg", "containerd", "buildx", "zot"]);
  });

  it("is the same manifest, whichever convention made the link", async () => {
    const [a, b] = await Promise.all(
      ["cosign-tags", "cosign-save"].map(async (name) => (await lift(fixtureLayout(`layouts/${name}`))).lifted),
    );
    expect(a!.map((l) => l.to)).toEqual(b!.map((l) => l.to));
  });

  it("an SBOM keeps its config under cosign's type", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const sbom = cosignImage(b, SPDX);
    b.entry(image, { tag: "v1" }).entry(sbom, { tag: tagOf(image, "sbom") });
    const layout = b.layout();
    const { lifted } = await lift(layout);
    expect(await manifestAt(layout, lifted[0]!.to)).toMatchObject({
      artifactType: "application/vnd.dev.cosign.artifact.sbom.v1+json",
      config: { mediaType: "application/vnd.dev.cosign.artifact.sbom.v1+json" },
    });
  });
});

describe("lift", () => {
  it("finds nothing more to do the second time, on any fixture, and leaves no loss that it could have lifted", async () => {
    for (const group of ["layouts", "edge"] as const) {
      for (const name of fixtureNames(group)) {
        const layout = fixtureLayout(`${group}/${name}`);
        const from = ["buildkit", "cosign-tags", "cosign-save", "containerd", "hauler", "legacy"] as const;
        const first = await lift(layout, { from });
        const text = await indexText(layout);
        const blobs = await blobHashes(layout);
        const second = await lift(layout, { from });
        expect([second.lifted, second.left]).toEqual([[], first.left]);
        expect(second.present).toHaveLength(first.lifted.length + first.present.length);
        expect(await indexText(layout)).toBe(text);
        expect(await blobHashes(layout)).toEqual(blobs);
        if (name === "wrong-subject-size") continue;
        const { plan } = await convert(layout, { to: "universal" });
        expect(
          plan.losses.filter((l) => l.reason === "no-subject" || l.reason === "legacy-type"),
          name,
        ).toEqual([]);
      }
    }
  });

  it("does every class of link at once, in one edit, and keeps all that was there", async () => {
    const layout = everyClass().builder.layout();
    const before = await entriesOf(layout);
    const result = await lift(layout, { from: ["buildkit", "cosign-tags", "cosign-save", "containerd", "hauler", "legacy"] });
    expect(result.left).toEqual([]);
    expect(result.lifted.length).toBeGreaterThanOrEqual(6);
    const after = await entriesOf(layout);
    for (const entry of before.filter((e) => e["mediaType"] === OCI))
      expect(after).toContainEqual(expect.objectContaining({ digest: entry["digest"] }));
    const graph = await readGraph(await openView(layout));
    for (const l of result.lifted) expect(graph.has(l.subject, l.to.digest)).toBe(true);
  });

  it("takes only what it is told to, and withdrawn types only when told", async () => {
    const build = (): Layout => everyClass().builder.layout();
    const subjects = async (from?: "legacy" | "hauler"): Promise<number> =>
      (await lift(build(), from === undefined ? {} : { from: [from] })).lifted.length;
    const [all, legacy, hauler] = [await subjects(), await subjects("legacy"), await subjects("hauler")];
    expect(legacy).toBe(2);
    expect(hauler).toBe(1);
    expect(all).toBeGreaterThan(hauler);
    const untouched = fixtureLayout("edge/legacy-artifact-manifests");
    expect((await lift(untouched)).lifted).toEqual([]);
  });

  it("makes image manifests of artifact manifests, with their type and annotations", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const old = b.referrer(image, { shape: "oras-artifact", artifactType: "example/sbom", annotations: { "org.example": "1" } });
    b.entry(image, { tag: "v1" }).listed(old);
    const layout = b.layout();
    const { lifted } = await lift(layout, { from: ["legacy"] });
    const original = await manifestAt(layout, old);
    expect(await manifestAt(layout, lifted[0]!.to)).toMatchObject({
      mediaType: OCI,
      artifactType: "example/sbom",
      layers: original["blobs"] as object[],
      subject: original["subject"] as object,
      annotations: { "org.example": "1", [LIFTED_FROM]: old.digest },
    });
    expect(await findersOf(layout, lifted[0]!)).toContain("oras");
  });

  it("gives any other image its subject and nothing else, and an index too", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const plain = b.image();
    const typed = b.image({ members: { artifactType: "example/typed" } });
    const index = b.imageIndex([b.image()]);
    b.entry(image, { tag: "v1" });
    for (const d of [plain, typed, index]) b.entry(d, { annotations: { [CONTAINERD_SUBJECT]: image.digest } });
    b.entries.at(-1)!["artifactType"] = "example/index";
    const layout = b.layout();
    const { lifted } = await lift(layout);
    for (const l of lifted) {
      const original = await manifestAt(layout, { digest: l.from });
      const type = l.from === typed.digest ? "example/typed" : l.from === index.digest ? "example/index" : undefined;
      const { subject, annotations, ...rest } = await manifestAt(layout, l.to);
      expect(rest).toEqual({ ...original, ...(type !== undefined && { artifactType: type }) });
      expect(subject).toEqual({ mediaType: image.mediaType, digest: image.digest, size: image.size });
      expect(annotations).toEqual({ [LIFTED_FROM]: l.from });
    }
    expect(lifted).toHaveLength(3);
  });

  it("leaves what cannot have a subject, or whose subject nobody describes, and says why", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const gone = b.image();
    const docker = b.image({ mediaType: "application/vnd.docker.distribution.manifest.v2+json" });
    const signature = cosignImage(b, SIMPLE_SIGNING);
    b.entry(image, { tag: "v1" });
    b.entry(docker, { annotations: { [CONTAINERD_SUBJECT]: image.digest } });
    b.entry(signature, { tag: tagOf(gone, "sig") });
    b.forget(gone);
    const { lifted, left } = await lift(b.layout());
    expect(lifted).toEqual([]);
    expect(left.map((l) => [l.referrer, /: (.+)$/.exec(l.message)![1]])).toEqual(
      expect.arrayContaining([
        [docker.digest, "application/vnd.docker.distribution.manifest.v2+json cannot have a subject"],
        [signature.digest, "its subject is missing from the layout, and its size is unknown"],
      ]),
    );
  });

  it("takes the description of an absent subject from another referrer of it", async () => {
    const b = new LayoutBuilder();
    const gone = b.image();
    b.entry(cosignImage(b, SIMPLE_SIGNING), { tag: tagOf(gone, "sig") }).listed(b.referrer(gone));
    b.forget(gone);
    const layout = b.layout();
    const { lifted } = await lift(layout);
    expect((await manifestAt(layout, lifted[0]!.to))["subject"]).toEqual({ mediaType: OCI, digest: gone.digest, size: gone.size });
  });

  it("takes the same content under the same subject for lifted, whoever made it, but not somebody's word", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const [one, two] = [cosignImage(b, DSSE), cosignImage(b, DSSE)];
    b.entry(image, { tag: "v1" })
      .entry(one, { tag: tagOf(image, "att") })
      .entry(two, { tag: tagOf(image, "sig") });
    const { layers } = JSON.parse(new TextDecoder().decode(b.blobs.get(one.digest))) as { layers: Descriptor[] };
    const theirs = b.referrer(image, { members: { layers } });
    const liar = b.referrer(image, { annotations: { [LIFTED_FROM]: two.digest } });
    const layout = b.listed(theirs).listed(liar).layout();
    const { lifted, present } = await lift(layout, { dryRun: true });
    expect(present.map((p) => [p.from, p.to.digest])).toEqual([[one.digest, theirs.digest]]);
    expect(lifted.map((l) => l.from)).toEqual([two.digest]);
  });

  it("keeps what nobody knows about a layer", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const layer = { ...b.blob("x", SIMPLE_SIGNING), "x-new": { a: [1, true, null] }, annotations: { k: "<&>" } };
    const odd = b.document({ schemaVersion: 2, mediaType: OCI, config: b.blob("{}", IMAGE_CONFIG), layers: [layer] }, OCI);
    const layout = b
      .entry(image, { tag: "v1" })
      .entry(odd, { tag: tagOf(image, "sig") })
      .layout();
    const { lifted } = await lift(layout);
    expect((await manifestAt(layout, lifted[0]!.to))["layers"]).toEqual([layer]);
  });

  it("writes nothing on a dry run, and nothing where it is refused", async () => {
    const layout = fixtureLayout("layouts/cosign-tags");
    const [text, blobs] = [await indexText(layout), await blobHashes(layout)];
    expect((await lift(layout, { dryRun: true })).lifted).toHaveLength(2);
    expect([await indexText(layout), await blobHashes(layout)]).toEqual([text, blobs]);

    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" }).entry(cosignImage(b, SIMPLE_SIGNING), { tag: tagOf(image, "sig") });
    b.entry(b.image(), { tag: image.digest.replace(":", "-") });
    const taken = b.layout();
    const before = await blobHashes(taken);
    expect(await errorOf(lift(taken))).toMatchObject({
      code: "CONVERSION_REFUSED",
      message: expect.stringContaining("which is not a list") as string,
    });
    expect(await blobHashes(taken)).toEqual(before);
  });

  it("records in the conventions that the layout speaks", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    b.entry(image, { tag: "v1" })
      .entry(cosignImage(b, SIMPLE_SIGNING), { tag: tagOf(image, "sig") })
      .listed(b.referrer(image));
    const layout = b.layout();
    const { lifted, conventions } = await lift(layout);
    expect(conventions).toEqual(["oras"]);
    expect((await entriesOf(layout)).map((e) => e["digest"] as Digest)).toContain(lifted[0]!.to.digest);
    expect(await findersOf(layout, lifted[0]!)).toEqual(["oras", "regctl-slow", "buildx", "zot"]);
  });
});
