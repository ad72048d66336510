import { describe, expect, test } from "vitest";
import { Layout, OcilotError, REF_NAME, checkTag, digestOf, memoryBackend } from "@ocilot/layout";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const IMAGE_NAME = "io.containerd.image.name";

/** A layout of images with these entries; an entry's `n` chooses the image. */
function made(...entries: { n: number; annotations?: Record<string, string>; more?: object }[]): Layout {
  const images = entries.map(({ n }) =>
    new TextEncoder().encode(
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: image(0), layers: [], annotations: { n: String(n) } }),
    ),
  );
  const manifests = entries.map(({ annotations, more }, i) => ({
    mediaType: MANIFEST,
    digest: digestOf(images[i]!),
    size: images[i]!.length,
    ...(annotations && { annotations }),
    ...more,
  }));
  return new Layout(
    memoryBackend(
      JSON.stringify({ schemaVersion: 2, manifests }),
      images.map((b) => [digestOf(b), b] as const),
    ),
  );
}

function image(n: number): object {
  return { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf(new Uint8Array([n])), size: 1 };
}

async function annotationsOf(layout: Layout): Promise<unknown[]> {
  return (await layout.index.read()).entries.map((e) => e.descriptor.annotations ?? {});
}

describe("tag", () => {
  test("an untagged entry takes the first name, further names get entries of their own", async () => {
    const layout = made({ n: 1 });
    await layout.tag(await layout.resolve(""), ["a", "b", "a"]);
    expect(await annotationsOf(layout)).toEqual([{ [REF_NAME]: "a" }, { [REF_NAME]: "b" }]);
    const { text } = await layout.index.read();
    await layout.tag(await layout.resolve("a"), ["b", "a"]);
    expect((await layout.index.read()).text).toBe(text);
  });

  test("what bore the name stays listed, without the full name that contained it", async () => {
    const layout = made(
      { n: 1, annotations: { [REF_NAME]: "a", [IMAGE_NAME]: "example.com/x:a" } },
      { n: 2, annotations: { [REF_NAME]: "b" } },
    );
    await layout.tag(await layout.resolve("b"), "a");
    expect(await annotationsOf(layout)).toEqual([{}, { [REF_NAME]: "b" }, { [REF_NAME]: "a" }]);
  });

  test("every name of a sparse index says which platforms are there", async () => {
    const layout = made({ n: 1, annotations: { [REF_NAME]: "a", "io.ocilot.platforms": "linux/arm64", other: "x" } });
    await layout.tag(await layout.resolve("a"), "b");
    expect((await annotationsOf(layout))[1]).toEqual({ [REF_NAME]: "b", "io.ocilot.platforms": "linux/arm64" });
  });

  test("untag drops an entry that says nothing more, and keeps one that does", async () => {
    const layout = made(
      { n: 1 },
      { n: 1, annotations: { [REF_NAME]: "a" } },
      { n: 1, annotations: { [REF_NAME]: "b", own: "x" } },
      { n: 2, annotations: { [REF_NAME]: "c" } },
    );
    for (const name of ["a", "b", "c"]) await layout.untag(name);
    expect(await annotationsOf(layout)).toEqual([{}, { own: "x" }, {}]);
    await expect(layout.untag("a")).rejects.toMatchObject({ code: "REF_NOT_FOUND", hint: "The layout has no tags." });
  });

  test.each(["v1", "1.0-rc.1", "example.com:5000/a/b:v1", "a@b", "a--b", "a+b", "A_b"])("%s can be a tag", (name) => {
    expect(checkTag(name)).toBe(name);
  });

  test.each([
    "",
    " ",
    "a b",
    "a..b",
    "-a",
    "a-",
    "a//b",
    "/a",
    "a\n",
    "ä",
    `sha256-${"a".repeat(64)}`,
    `x:sha256-${"a".repeat(64)}.sig`,
    "a".repeat(513),
  ])("%j cannot", (name) => {
    expect(() => checkTag(name)).toThrow(OcilotError);
  });
});
