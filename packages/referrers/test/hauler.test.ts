import { CONTAINERD_IMAGE_NAME, CONTAINERD_SUBJECT, type Descriptor, KIND, REF_NAME } from "@ocilot/layout";
import { convert, planConversion } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { SIMPLE_SIGNING, cosignImage } from "./every-class.js";
import { linksIn, problemsIn } from "./reading.js";

const HAULER = { [CONTAINERD_IMAGE_NAME]: "docker.io/library/app:v1" };

/** A store with an image, its signature and an artifact with a subject, all of one name. */
function store(prefix: string): { b: LayoutBuilder; image: Descriptor; sig: Descriptor; artifact: Descriptor } {
  const b = new LayoutBuilder();
  const image = b.image();
  const sig = cosignImage(b, SIMPLE_SIGNING);
  const artifact = b.referrer(image);
  const named = (kind: string): { tag: string; annotations: Record<string, string> } => ({
    tag: "library/app:v1",
    annotations: { ...HAULER, [KIND]: prefix + kind },
  });
  b.entry(image, named("image"))
    .entry(sig, named("sigs"))
    .entry(artifact, named(`referrers/${artifact.digest.slice(7)}`));
  return { b, image, sig, artifact };
}

describe("hauler", () => {
  it.each(["dev.hauler/", "dev.cosignproject.cosign/"])(
    "under the prefix %s: paired by name, and not taken for cosign save",
    async (prefix) => {
      const { b, image, sig, artifact } = store(prefix);
      expect((await linksIn(b.layout())).toSorted()).toEqual(
        [
          [image.digest, sig.digest, "N", "hauler"],
          [image.digest, artifact.digest, "S", "oras hauler"],
        ].toSorted(),
      );
    },
  );

  it("with two images of one name: only a subject tells which is meant, the rest is reported", async () => {
    const { b, image, sig, artifact } = store("dev.hauler/");
    b.entry(b.image(), { tag: "library/app:v1", annotations: { ...HAULER, [KIND]: "dev.hauler/image" } });
    expect(await linksIn(b.layout())).toEqual([[image.digest, artifact.digest, "S", "oras hauler"]]);
    expect(await problemsIn(b.layout())).toMatchObject([{ code: "AMBIGUOUS_PARENT", position: 1, digest: sig.digest }]);
  });

  it("takes what refers to an image under the image's name, and refuses an image without one", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const referrer = b.referrer(image);
    b.entry(image).listed(referrer);
    expect((await planConversion(b.layout(), { to: "hauler" })).refusals[0]).toContain(image.digest);
    b.entry(image, { tag: "app:v1" });
    const layout = b.layout();
    await convert(layout, { to: "hauler" });
    const entries = (await layout.index.read()).entries.map((e) => e.descriptor);
    const kinds = entries.filter((e) => e.annotations?.[KIND] !== undefined);
    expect(kinds.map((e) => [e.annotations![REF_NAME], e.annotations![KIND]])).toEqual([
      ["app:v1", "dev.hauler/image"],
      ["app:v1", `dev.hauler/referrers/${referrer.digest.slice(7)}`],
    ]);
    expect((await linksIn(layout)).map((l) => l[3])).toEqual(["oras hauler"]);
  });

  it("refuses two images of one tag, as Docker saves them: it could not tell which of them is signed", async () => {
    const b = new LayoutBuilder();
    const images = [b.image(), b.image()];
    for (const image of images) b.entry(image, { tag: "latest" }).listed(b.referrer(image));
    const { refusals } = await planConversion(b.layout(), { to: "hauler" });
    for (const image of images) expect(refusals.join()).toContain(image.digest);
  });

  it("is left again with nothing lost: the image keeps its name", async () => {
    const { b, image, sig, artifact } = store("dev.hauler/");
    const layout = b.layout();
    const { plan } = await convert(layout, { to: "containerd", only: true });
    expect(plan.losses).toEqual([]);
    const entries = (await layout.index.read()).entries.map((e) => e.descriptor);
    expect(entries.map((e) => [e.digest, e.annotations?.[KIND], e.annotations?.[REF_NAME], e.annotations?.[CONTAINERD_SUBJECT]])).toEqual([
      [image.digest, undefined, "library/app:v1", undefined],
      ...[sig.digest, artifact.digest].toSorted().map((digest) => [digest, undefined, undefined, image.digest]),
    ]);
  });
});
