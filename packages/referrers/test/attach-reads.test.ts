import type { Descriptor } from "@ocilot/layout";
import { attach, convert, openView } from "@ocilot/referrers";
import { LayoutBuilder, buildLayout, layoutRecipe, propertyRuns } from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LayoutView } from "../src/view/layout-view.js";
import { nearbyEntries } from "../src/write/nearby-entries.js";
import { conventionsToWrite } from "../src/write/project-records.js";

describe("what attaching reads", () => {
  /** The conventions that would be written, told from a few entries and from all. */
  async function chosen(builder: LayoutBuilder): Promise<{ near: string[] | undefined; whole: string[] }> {
    const view = await openView(builder.layout());
    const near = await nearbyEntries(view, []);
    const ids = async (of: LayoutView): Promise<string[]> => (await conventionsToWrite(of)).map((c) => c.id);
    return { near: near && (await ids(near)), whole: await ids(view) };
  }

  it("tells the same conventions from a few entries as from all, in generated layouts", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(layoutRecipe(["oras", "containerd"]), async (recipe) => {
        const { near, whole } = await chosen(buildLayout(recipe).builder);
        if (near === undefined) return;
        compared++;
        expect(near).toEqual(whole);
      }),
      { numRuns: propertyRuns(100) },
    );
    expect(compared).toBeGreaterThan(0);
  });

  it.each([
    ["a marked entry without subject", (b: LayoutBuilder, image: Descriptor) => b.entry(b.image(), { annotations: mark(image) })],
    [
      "a marked entry with a tag",
      (b: LayoutBuilder, image: Descriptor) => b.entry(b.referrer(image), { tag: "sbom", annotations: mark(image) }),
    ],
    ["a referrer that is an index", (b: LayoutBuilder, image: Descriptor) => b.listed(b.referrer(image, { shape: "index" }))],
  ])("tells them where there is %s", async (_, add) => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" }).listed(builder.referrer(image), mark(image));
    add(builder, image);
    const { near, whole } = await chosen(builder);
    expect(near).toEqual(whole);
  });

  it("puts a new entry where converting would, beside referrers that are indexes too", async () => {
    const builder = new LayoutBuilder();
    const images = [0, 1, 2, 3].map(() => builder.image());
    for (const [i, image] of images.entries()) builder.entry(image, { tag: `v${i}` });
    for (const [i, image] of images.entries()) builder.listed(builder.referrer(image, { shape: i % 2 === 0 ? "image" : "index" }));
    const layout = builder.layout();
    await convert(layout, { to: "universal" });
    await convert(layout, { to: "oras", only: true });
    for (const image of images) await attach(layout, image.digest, { artifactType: "application/vnd.example.new" });
    const { text } = await layout.index.read();
    await convert(layout, { to: "universal" });
    await convert(layout, { to: "oras", only: true });
    expect((await layout.index.read()).text).toBe(text);
  });
});

function mark(image: Descriptor): Record<string, string> {
  return { "io.containerd.manifest.subject": image.digest };
}
