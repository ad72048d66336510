import { type Descriptor, IMAGE_INDEX, type Layout, REF_NAME } from "@ocilot/layout";
import { applyPlan, convert, lift, openView, planConversion, readGraph, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder, blobHashes, fixtureLayout, fixtureNames, indexText } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { cosignImage, SIMPLE_SIGNING, describing, tagOf } from "./every-class.js";
import { entriesOf, errorOf } from "./helpers.js";

const ALLOWED = { to: "buildkit", allowDigestChange: true } as const;
const UNKNOWN = { architecture: "unknown", os: "unknown" };

async function documentAt(layout: Layout, digest: string): Promise<{ text: string; json: { manifests: Descriptor[] } }> {
  const text = new TextDecoder().decode(await layout.blobs.bytes(await layout.resolve(`@${digest}`)));
  return { text, json: JSON.parse(text) as { manifests: Descriptor[] } };
}

describe("the target buildkit", () => {
  it("is refused without the flag, and the plan lists each digest that would change", async () => {
    const layout = fixtureLayout("layouts/oras");
    const text = await indexText(layout);
    const plan = await planConversion(layout, { to: "buildkit" });
    const [change] = plan.digestChanges;
    expect(plan.digestChanges).toHaveLength(1);
    expect(change).toMatchObject({ from: (await layout.resolve("v1")).digest, tags: ["v1"] });
    expect(plan.refusals).toEqual([`v1 would move from ${change!.from} to ${change!.to}: allow it with --allow-digest-change`]);
    for (const error of [await errorOf(convert(layout, { to: "buildkit" })), await errorOf(applyPlan(layout, plan))])
      expect(error.code).toBe("CONVERSION_REFUSED");
    expect(await indexText(layout)).toBe(text);
  });

  it("adds the referrers of platforms as children and changes no other byte; the tag moves, the old index stays", async () => {
    const layout = fixtureLayout("layouts/oras");
    const before = await blobHashes(layout);
    const old = await layout.resolve("v1");
    const sbom = (await readGraph(await openView(layout))).edges().find((e) => e.subject.startsWith("sha256:cc14"))!.referrer;
    const { plan } = await convert(layout, ALLOWED);
    const now = await layout.resolve("v1");
    expect(plan.digestChanges).toEqual([
      { from: old.digest, to: now.digest, tags: ["v1"], uncovered: [expect.stringMatching(/^sha256:b238/) as string] },
    ]);
    const [was, is] = [await documentAt(layout, old.digest), await documentAt(layout, now.digest)];
    const child = {
      ...sbom,
      annotations: { "vnd.docker.reference.digest": "sha256:cc14ed4494dc5b54f4422bb110157a230722aa62928e49cc05816049dc9e3b5d" },
      platform: UNKNOWN,
    };
    expect(is.json.manifests).toEqual([...was.json.manifests, child]);
    expect(is.text.startsWith(was.text.trimEnd().replace(/\s*\]\s*\}$/, ""))).toBe(true);
    const entries = await entriesOf(layout);
    expect(entries.filter((e) => e["digest"] === old.digest)).toEqual([{ mediaType: IMAGE_INDEX, digest: old.digest, size: old.size }]);
    const after = await blobHashes(layout);
    for (const [digest, hash] of before) expect(after.get(digest)).toBe(hash);
  });

  it("says which links it cannot hold: those of the index itself, and of what is no platform", async () => {
    const { plan } = await convert(fixtureLayout("layouts/oras"), ALLOWED);
    expect(plan.losses.map((l) => [l.referrer.slice(0, 11), l.reason])).toEqual([
      ["sha256:b238", "not-root"],
      ["sha256:6bb6", "not-root"],
    ]);
    expect(plan.losses[0]!.message).toContain("does not cover v1, which points to");
  });

  it("has nothing to do the second time, on any fixture", async () => {
    for (const name of fixtureNames("layouts")) {
      const layout = fixtureLayout(`layouts/${name}`);
      await convert(layout, { ...ALLOWED, scan: true });
      const again = await planConversion(layout, { ...ALLOWED, scan: true });
      expect(again.steps, name).toEqual([]);
      expect(again.digestChanges).toEqual([]);
      expect(again.refusals).toEqual([]);
    }
  });

  it("calls only an attestation one, and writes an older one without a subject as the older BuildKit does", async () => {
    const layout = fixtureLayout("layouts/buildkit-attestation");
    const { lifted } = await lift(layout);
    await convert(layout, ALLOWED);
    const { json } = await documentAt(layout, (await layout.resolve("v1")).digest);
    for (const { subject, to } of lifted) {
      const annotations = { "vnd.docker.reference.digest": subject, "vnd.docker.reference.type": "attestation-manifest" };
      expect(json.manifests).toContainEqual({ ...to, annotations, platform: UNKNOWN });
    }
    const old = fixtureLayout("edge/annotation-only-link");
    const { plan } = await convert(old, ALLOWED);
    expect(plan.losses.map((l) => l.reason)).toEqual(["not-root"]);
  });

  it("follows referrers of referrers, and leaves out what no index can hold", async () => {
    const b = new LayoutBuilder();
    const platform = b.image();
    const index = b.imageIndex([{ ...platform, platform: { architecture: "amd64", os: "linux" } }]);
    const sbom = b.referrer(platform);
    const signature = b.referrer(sbom);
    const odd = [
      b.referrer(platform, { shape: "index" }),
      b.referrer(platform, { shape: "artifact" }),
      b.referrer(platform, { shape: "oras-artifact" }),
    ];
    const byName = cosignImage(b, SIMPLE_SIGNING);
    b.entry(index, { tag: "v1" })
      .entry(index, { tag: "latest" })
      .entry(byName, { tag: tagOf(platform, "sig") });
    for (const d of [sbom, signature, ...odd]) b.listed(d);
    const layout = b.layout();
    const { plan } = await convert(layout, ALLOWED);
    expect(plan.digestChanges[0]!.tags).toEqual(["v1", "latest"]);
    const { json } = await documentAt(layout, plan.digestChanges[0]!.to);
    expect(json.manifests.slice(1).map((d) => [d.digest, d.annotations!["vnd.docker.reference.digest"]])).toEqual([
      [sbom.digest, platform.digest],
      [signature.digest, sbom.digest],
    ]);
    expect(Object.fromEntries(plan.losses.map((l) => [l.referrer, l.reason]))).toEqual({
      [odd[0]!.digest]: "no-form",
      [odd[1]!.digest]: "legacy-type",
      [odd[2]!.digest]: "legacy-type",
      [byName.digest]: "no-subject",
    });
  });

  it("moves tags alone: not one that is made of the digest, and not that of a list", async () => {
    const b = new LayoutBuilder();
    const platform = b.image();
    const index = b.imageIndex([platform]);
    const sbom = b.referrer(platform);
    b.entry(index, { tag: "v1" }).entry(index, { tag: index.digest.replace(":", "-") });
    b.entry(b.list([sbom]), { tag: referrersTag(platform.digest) });
    const layout = b.layout();
    const { plan } = await convert(layout, ALLOWED);
    const tags = (await entriesOf(layout)).map((e) => [(e["annotations"] as Record<string, string>)[REF_NAME], e["digest"]]);
    expect(tags.slice(0, 2)).toEqual([
      ["v1", plan.digestChanges[0]!.to],
      [index.digest.replace(":", "-"), index.digest],
    ]);
    expect(tags).toHaveLength(3);
  });

  it("withdraws other records with only, but never those of what it cannot hold", async () => {
    const layout = fixtureLayout("layouts/oras");
    const before = (await readGraph(await openView(layout))).edges().map((e) => e.referrer.digest);
    const { plan } = await convert(layout, { ...ALLOWED, only: true });
    expect(plan.losses).toHaveLength(2);
    const graph = await readGraph(await openView(layout));
    expect(graph.edges().map((e) => e.referrer.digest)).toEqual(before);
    const listed = (await entriesOf(layout)).map((e) => (e["digest"] as string).slice(0, 11));
    expect(listed).toEqual(expect.arrayContaining(["sha256:b238", "sha256:6bb6"]));
    expect(listed).not.toContain("sha256:67e9");
  });

  it("refuses where an entry carries the old index with it", async () => {
    const b = new LayoutBuilder();
    const platform = b.image();
    const index = b.imageIndex([platform]);
    const data = Buffer.from(b.blobs.get(index.digest)!).toString("base64");
    b.entry(index, { tag: "v1", members: { data } }).listed(b.referrer(platform));
    expect((await planConversion(b.layout(), ALLOWED)).refusals).toEqual([expect.stringContaining("member `data`")]);
  });

  it("leaves an index that says it all as it is", async () => {
    const b = new LayoutBuilder();
    const platform = b.image();
    const sbom = b.referrer(platform);
    b.entry(b.imageIndex([platform, describing(sbom, platform)]), { tag: "v1" });
    const plan = await planConversion(b.layout(), { to: "buildkit" });
    expect([plan.steps, plan.losses, plan.refusals]).toEqual([[], [], []]);
  });
});
