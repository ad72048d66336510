import { CONTAINERD_SUBJECT, KIND } from "@ocilot/layout";
import { convert, referrersTag } from "@ocilot/referrers";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { expect, it, vi } from "vitest";
import { SIMPLE_SIGNING, cosignImage, tagOf } from "./every-class.js";
import { edgesIn, linksIn, tagsIn } from "./reading.js";

it("one signature under a tag, a kind, a mark and twice untagged is one link, and no entry of it goes", async () => {
  const b = new LayoutBuilder();
  const image = b.image();
  const sig = cosignImage(b, SIMPLE_SIGNING);
  b.entry(image, { tag: "v1", annotations: { [KIND]: "dev.cosignproject.cosign/image" } });
  b.entry(sig, { tag: tagOf(image, "sig") }).entry(sig, { annotations: { [KIND]: "dev.cosignproject.cosign/sigs" } });
  b.entry(sig, { annotations: { [CONTAINERD_SUBJECT]: image.digest, note: "mine" } }).entry(sig, { annotations: { note: "other" } });
  const layout = b.layout();
  expect(await linksIn(layout)).toEqual([[image.digest, sig.digest, "N", "containerd cosign-tags cosign-save"]]);
  const before = (await layout.index.read()).entries.length;
  for (const to of ["hauler", "cosign-tags", "containerd", "oras"] as const) await convert(layout, { to });
  expect((await layout.index.read()).entries.length).toBeGreaterThanOrEqual(before);
  expect(await edgesIn(layout)).toHaveLength(1);
});

it("signatures of an index and of one of its platforms are told apart", async () => {
  const b = new LayoutBuilder();
  const platform = b.image();
  const index = b.imageIndex([platform]);
  const [one, two] = [cosignImage(b, SIMPLE_SIGNING), cosignImage(b, SIMPLE_SIGNING)];
  b.entry(index, { tag: "v1" })
    .entry(one, { tag: tagOf(index, "sig") })
    .entry(two, { tag: tagOf(platform, "sig") });
  const layout = b.layout();
  await convert(layout, { to: "containerd" });
  const found = (await linksIn(layout)).map(([subject, referrer]) => `${subject} ${referrer}`);
  expect(found.toSorted()).toEqual([`${index.digest} ${one.digest}`, `${platform.digest} ${two.digest}`].toSorted());
});

it("a referrer under a tag of somebody's is found, and the tag outlives every conversion", async () => {
  const b = new LayoutBuilder();
  const image = b.image();
  const sig = cosignImage(b, SIMPLE_SIGNING, image);
  b.entry(image, { tag: "v1" }).entry(sig, { tag: "my-signature" });
  const layout = b.layout();
  for (const to of ["cosign-tags", "cosign-save", "hauler", "regclient", "universal"] as const) {
    await convert(layout, { to, only: true });
    expect(await tagsIn(layout)).toContain("my-signature");
    expect(await edgesIn(layout)).toHaveLength(1);
  }
});

it("what signs a list of referrers is a link like any other", async () => {
  const b = new LayoutBuilder();
  const image = b.image();
  const list = b.list([b.referrer(image)]);
  const sig = cosignImage(b, SIMPLE_SIGNING);
  b.entry(image, { tag: "v1" })
    .entry(list, { tag: referrersTag(image.digest) })
    .entry(sig, { tag: tagOf(list, "sig") });
  expect(await linksIn(b.layout())).toContainEqual([list.digest, sig.digest, "N", "cosign-tags"]);
});

it("a list that names its own subject makes no loop in any of the new conventions", async () => {
  const layout = fixtureLayout("edge/subject-listed-as-its-own-referrer");
  const before = await linksIn(layout);
  expect(before.every(([subject, referrer]) => subject !== referrer)).toBe(true);
  const { plan } = await convert(layout, { to: "cosign-tags" });
  expect(plan.losses.map((l) => l.referrer).toSorted()).toEqual(before.map((l) => l[1]).toSorted());
});

it("1,000 referrers in blobs alone are found with one scan and listed at once", async () => {
  const b = new LayoutBuilder();
  const image = b.image();
  b.entry(image, { annotations: { [KIND]: "dev.cosignproject.cosign/image" } });
  for (let i = 0; i < 1000; i++) b.referrer(image);
  const layout = b.layout();
  const scans = vi.spyOn(layout.blobs, "list");
  await convert(layout, { to: "oras" });
  expect(scans).toHaveBeenCalledTimes(1);
  expect((await layout.index.read()).entries).toHaveLength(1001);
});
