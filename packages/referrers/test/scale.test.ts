import type { Digest, Layout } from "@ocilot/layout";
import { convert, findTool, openView } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { NAMESAKES } from "./helpers.js";

/** `count` images with `each` referrers, as oras lists them. */
function oras(count: number, each: number): { builder: LayoutBuilder; subjects: Digest[] } {
  const builder = new LayoutBuilder();
  const subjects = Array.from({ length: count }, (_, i) => {
    const image = builder.image();
    builder.entry(image, { tag: `v${i}` });
    for (let n = 0; n < each; n++) builder.listed(builder.referrer(image, { annotations: { "org.example.no": String(n) } }));
    return image.digest;
  });
  return { builder, subjects };
}

/** Counts how often manifests are asked for, as a measure of work that does not depend on the machine. */
function countReads(layout: Layout): () => number {
  const { bytesMany } = layout.blobs;
  let count = 0;
  layout.blobs.bytesMany = async (descriptors, options) => {
    count += descriptors.length;
    return await bytesMany.call(layout.blobs, descriptors, options);
  };
  return () => count;
}

describe.each([
  ["5,000 referrers of one subject", 1, 5000],
  ["50 subjects with 100 referrers each", 50, 100],
] as const)("%s", (_, count, each) => {
  const { builder, subjects } = oras(count, each);

  it("convert to universal and back, each manifest read once a time", async () => {
    const layout = builder.layout();
    const reads = countReads(layout);
    await convert(layout, { to: "universal" });
    expect(reads()).toBe(count * (each + 1));
    const view = await openView(layout);
    for (const tool of NAMESAKES.universal)
      for (const subject of subjects) expect(await findTool(tool)!.finds(view, subject)).toHaveLength(each);
    expect((await convert(layout, { to: "universal" })).changed).toBe(false);
    await convert(layout, { to: "oras", only: true });
    expect((await layout.index.read()).entries).toHaveLength(count * (each + 1));
  });
});

describe("a list beyond what its readers read", () => {
  it("is refused before anything is written, and says how large it would be", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    builder.entry(image, { tag: "v1" });
    for (let n = 0; n < 10; n++) builder.listed(builder.referrer(image, { annotations: { "org.example.long": "x".repeat(900_000) } }));
    const layout = builder.layout();
    const before = (await layout.index.read()).text;
    for (const to of ["regclient", "olareg", "image-spec", "universal"] as const) {
      const reason = new RegExp(
        `^the list of ${image.digest} with 10 referrers would have 9\\d{6} bytes, and tools read no list over ${8 << 20} bytes$`,
      );
      await expect(convert(layout, { to })).rejects.toMatchObject({
        code: "CONVERSION_REFUSED",
        details: { reasons: [expect.stringMatching(reason)] },
      });
    }
    expect((await layout.index.read()).text).toBe(before);
    expect((await convert(layout, { to: "containerd" })).changed).toBe(true);
  });
});
