import { IMAGE_CONFIG } from "@ocilot/layout";
import { lift } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";

describe("the artifact type of a lifted manifest that had none", () => {
  it.each([
    ["an SBOM", ["application/spdx+json"], "application/spdx+json"],
    ["an envelope", ["application/vnd.dsse.envelope.v1+json"], "application/vnd.in-toto+json"],
    ["two statements", ["application/vnd.in-toto.spdx+dsse", "application/vnd.in-toto+json"], "application/vnd.in-toto+json"],
    ["two that are not the same", ["application/spdx+json", "application/vnd.cyclonedx+json"], "application/vnd.unknown.artifact.v1"],
    ["something that nobody knows", ["application/vnd.example.thing"], "application/vnd.unknown.artifact.v1"],
  ])("%s, in a withdrawn manifest type", async (_, types, artifactType) => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const blobs = types.map((type) => builder.blob(type, type));
    const legacy = builder.referrer(image, { shape: "artifact", members: { blobs, artifactType: undefined } });
    const layout = builder.entry(image, { tag: "v1" }).entry(legacy).layout();
    const { lifted } = await lift(layout, { from: ["legacy"] });
    expect(lifted.map((l) => l.artifactType)).toEqual([artifactType]);
  });

  it("of an image that a record alone links, it is that of what is in it", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const config = builder.blob("{}", IMAGE_CONFIG);
    const other = builder.image({ members: { config, layers: [builder.blob("{}", "application/vnd.openvex+json")] } });
    const layout = builder
      .entry(image, { tag: "v1" })
      .entry(other, { annotations: { "io.containerd.manifest.subject": image.digest } })
      .layout();
    const { lifted } = await lift(layout);
    expect(lifted.map((l) => l.artifactType)).toEqual(["application/vnd.openvex+json"]);
  });
});
