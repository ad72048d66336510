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

  test("a manifest that loses all its tags at once stays listed", async () => {
    const layout = made({ n: 1, annotations: { [REF_NAME]: "a" } }, { n: 1, annotations: { [REF_NAME]: "b" } }, { n: 2 });
    const [first, , second] = (await layout.index.read()).entries.map((e) => e.descriptor);
    await layout.tag(second!, ["a", "b"]);
    const { entries } = await layout.index.read();
    expect(entries.filter((e) => e.descriptor.digest === first!.digest).map((e) => e.tag)).toEqual([undefined]);
    expect(entries.filter((e) => e.tag !== undefined).map((e) => [e.tag, e.descriptor.digest])).toEqual([
      ["a", second!.digest],
      ["b", second!.digest],
    ]);
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
    await expect(layout.untag("a")).rejects.toMatchObject({
      code: "REF_NOT_FOUND",
      hint: "The layout has no tags; name the manifest by @digest.",
    });
  });

  const TWO = [
    { n: 1, annotations: { [REF_NAME]: "latest", [IMAGE_NAME]: "docker.io/library/a:latest" } },
    { n: 2, annotations: { [REF_NAME]: "latest", [IMAGE_NAME]: "docker.io/library/b:latest" } },
    { n: 3 },
  ];

  test("a tag of two repositories is ambiguous, both are listed and nothing changes", async () => {
    const layout = made(...TWO);
    const { text } = await layout.index.read();
    for (const action of [layout.tag(await layout.resolve("a:latest"), "latest"), layout.untag("latest")]) {
      const error = await action.then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ code: "REF_AMBIGUOUS" });
      expect((error as OcilotError<"REF_AMBIGUOUS">).details.candidates.map((c) => c.split("@")[0])).toEqual([
        "docker.io/library/a:latest",
        "docker.io/library/b:latest",
      ]);
    }
    expect((await layout.index.read()).text).toBe(text);
  });

  test("the full name moves one of them, and the other keeps its own", async () => {
    const layout = made(...TWO);
    const b = (await layout.resolve("b:latest")).digest;
    const third = (await layout.index.read()).entries[2]!.descriptor;
    await layout.tag(third, "docker.io/library/a:latest");
    expect(await annotationsOf(layout)).toEqual([{}, TWO[1]!.annotations, TWO[0]!.annotations]);
    expect((await layout.resolve("a:latest")).digest).toBe(third.digest);
    expect((await layout.resolve("docker.io/library/b:latest")).digest).toBe(b);
  });

  test.each(["docker.io/library/a:latest", "a:latest", "library/a:latest"])("untag %s leaves the other repository alone", async (name) => {
    const layout = made(...TWO);
    await layout.untag(name);
    expect(await annotationsOf(layout)).toEqual([{}, TWO[1]!.annotations, {}]);
  });

  test("a plain tag beside the same tag of a repository is a name of its own", async () => {
    const layout = made(TWO[0]!, { n: 2, annotations: { [REF_NAME]: "latest" } }, { n: 3 });
    const third = (await layout.index.read()).entries[2]!.descriptor;
    await layout.tag(third, "latest");
    expect(await annotationsOf(layout)).toEqual([TWO[0]!.annotations, {}, { [REF_NAME]: "latest" }]);
  });

  test("a tag and an image name that do not belong together are removed one by one", async () => {
    const both = { [REF_NAME]: "x", [IMAGE_NAME]: "host/b:v1" };
    const layout = made({ n: 1, annotations: both });
    await layout.untag("x");
    expect(await annotationsOf(layout)).toEqual([{ [IMAGE_NAME]: "host/b:v1" }]);
    const other = made({ n: 1, annotations: both });
    await other.untag("host/b:v1");
    expect(await annotationsOf(other)).toEqual([{ [REF_NAME]: "x" }]);
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
