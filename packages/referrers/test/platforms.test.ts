import { DOCKER_MANIFEST_LIST, DOCKER_REFERENCE_DIGEST, type Descriptor, EMPTY_JSON, IMAGE_CONFIG, type Platform } from "@ocilot/layout";
import { copyLayout, formatPlatform, imagePlatforms, matchesPlatform, openView, parsePlatform, resolvePlatform } from "@ocilot/referrers";
import { LayoutBuilder } from "@ocilot/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorOf } from "./helpers.js";

/** An image whose config states a platform. */
function configured(builder: LayoutBuilder, config: Record<string, unknown>): Descriptor {
  return builder.image({ members: { config: builder.blob(JSON.stringify(config), IMAGE_CONFIG) } });
}

/** The images of an index, by the text of their platforms. */
function indexOf(builder: LayoutBuilder, platforms: readonly Platform[]): { index: Descriptor; images: Descriptor[] } {
  const images = platforms.map(() => builder.image());
  return { images, index: builder.imageIndex(images.map((d, i) => ({ ...d, platform: platforms[i] }))) };
}

const WINDOWS = ["10.0.17763.5000", "10.0.20348.2000"].map((version) => ({ os: "windows", architecture: "amd64", "os.version": version }));
const linux = (architecture: string, variant?: string): Platform => ({
  os: "linux",
  architecture,
  ...(variant !== undefined && { variant }),
});

describe("parsePlatform", () => {
  test.each([
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["linux/x86-64", "linux/amd64"],
    ["linux/i386", "linux/386"],
    ["LINUX/ARM64", "linux/arm64"],
    ["linux/aarch64", "linux/arm64"],
    ["arm64", "linux/arm64"],
    ["aarch64", "linux/arm64"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["linux/arm/7", "linux/arm/v7"],
    ["linux/arm/V7", "linux/arm/v7"],
    ["macos/arm64", "darwin/arm64"],
    ["windows/amd64:10.0.20348.2000", "windows/amd64:10.0.20348.2000"],
    ["windows(10.0.20348.2000)/amd64", "windows/amd64:10.0.20348.2000"],
    ["windows/amd64/10.0.20348.2000", "windows/amd64:10.0.20348.2000"],
    ["windows()/amd64", "windows/amd64"],
  ])("reads %s as %s, which it reads again as the same", (text, normalized) => {
    const platform = parsePlatform(text);
    expect(formatPlatform(platform)).toBe(normalized);
    expect(parsePlatform(normalized)).toEqual(platform);
  });

  test.each([
    "",
    "linux",
    "linux/",
    "/amd64",
    "linux/amd64/",
    "linux/arm/v7/x",
    "a b/c",
    "windows(10.0)/amd64:10.0",
    "l/a:",
    "(10.0)/amd64",
  ])("refuses %j", (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  test("never throws anything but USAGE", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parsePlatform(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "USAGE" });
        }
      }),
    );
  });
});

describe("matchesPlatform", () => {
  test.each([
    [linux("arm", "v7"), "linux/arm", true],
    [linux("arm", "v6"), "linux/arm/v7", false],
    [linux("arm"), "linux/arm/v7", true],
    [linux("arm64"), "linux/arm64/v8", true],
    [linux("arm64", "v8"), "linux/arm64", true],
    [linux("amd64", "v2"), "linux/amd64/v1", false],
    [linux("amd64"), "linux/amd64/v1", true],
    [{ os: "Linux", architecture: "x86_64" }, "linux/amd64", true],
    [WINDOWS[1]!, "windows/amd64:10.0.20348", true],
    [WINDOWS[1]!, "windows/amd64:10.0.2034", false],
    [WINDOWS[1]!, "windows/amd64", true],
  ])("%j for %s: %s", (offered, wanted, isFit) => {
    expect(matchesPlatform(offered, parsePlatform(wanted))).toBe(isFit);
  });

  test("requires the OS features that are requested", () => {
    const wanted = { os: "windows", architecture: "amd64", "os.features": ["win32k"] };
    expect(matchesPlatform({ os: "windows", architecture: "amd64" }, wanted)).toBe(false);
    expect(matchesPlatform(wanted, wanted)).toBe(true);
  });
});

describe("resolvePlatform", () => {
  async function resolved(builder: LayoutBuilder, image: Descriptor, wanted: string): Promise<string> {
    return (await resolvePlatform(builder.entry(image, { tag: "v1" }).layout(), image, parsePlatform(wanted))).descriptor.digest;
  }

  test("names every candidate where several OS versions or variants fit", async () => {
    for (const [platforms, wanted] of [
      [[...WINDOWS, linux("amd64")], "windows/amd64"],
      [[linux("arm", "v6"), linux("arm", "v7")], "linux/arm"],
      [[linux("arm64"), linux("arm64")], "linux/arm64"],
    ] as const) {
      const builder = new LayoutBuilder();
      const { index, images } = indexOf(builder, platforms);
      const layout = builder.entry(index, { tag: "v1" }).layout();
      const [first, second] = images;
      const ambiguous = {
        code: "REF_AMBIGUOUS",
        details: { candidates: [expect.stringContaining(first!.digest), expect.stringContaining(second!.digest)] },
      };
      expect(await errorOf(resolvePlatform(layout, index, parsePlatform(wanted)))).toMatchObject(ambiguous);
      const target = new LayoutBuilder().layout();
      expect(await errorOf(copyLayout(layout, target, { reference: "v1", platforms: [parsePlatform(wanted)] }))).toMatchObject(ambiguous);
      expect((await target.index.read()).entries).toEqual([]);
    }
  });

  test.each([
    ["windows/amd64:10.0.20348.2000", 1],
    ["windows(10.0.17763.5000)/amd64", 0],
    ["windows/amd64/10.0.20348", 1],
    ["linux/arm/v6", 2],
    ["linux/arm/v7", 3],
    ["linux/armhf", 3],
    ["linux/amd64", 4],
    ["linux/amd64/v2", 5],
    ["linux/amd64/v1", 4],
    ["arm64", 6],
    ["linux/arm64/v8", 6],
  ])("takes the one image for %s", async (wanted, position) => {
    const builder = new LayoutBuilder();
    const others = [linux("arm", "v6"), linux("arm", "v7"), linux("amd64"), linux("amd64", "v2"), linux("arm64", "v8")];
    const { index, images } = indexOf(builder, [...WINDOWS, ...others]);
    expect(await resolved(builder, index, wanted)).toBe(images[position]!.digest);
  });

  test("takes no artifact for a platform", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    const platform = linux("amd64");
    const artifacts = [
      { ...builder.referrer(image), platform },
      { ...builder.image({ members: { artifactType: "application/vnd.example.model" } }), platform },
      { ...builder.image({ members: { config: builder.blob("{}", EMPTY_JSON) } }), platform },
      { ...builder.image(), platform, annotations: { [DOCKER_REFERENCE_DIGEST]: image.digest } },
      { ...builder.image(), platform: { os: "unknown", architecture: "unknown" } },
      { ...builder.referrer(image, { shape: "artifact" }), platform },
      { ...builder.blob("layer", "application/vnd.oci.image.layer.v1.tar"), platform },
    ];
    const index = builder.imageIndex([...artifacts, { ...image, platform }]);
    expect(await resolved(builder, index, "linux/amd64")).toBe(image.digest);
    const layout = builder.layout();
    const { images, artifacts: found } = await imagePlatforms(layout, await openView(layout), index);
    expect(images.map((i) => i.descriptor.digest)).toEqual([image.digest]);
    expect([...found.keys()].toSorted()).toEqual(artifacts.map((d) => d.digest).toSorted());
  });

  test("finds platforms that only a config or an enclosing index states, at any depth, in any kind of image", async () => {
    const builder = new LayoutBuilder();
    const arm = configured(builder, { os: "linux", architecture: "arm", variant: "v6" });
    const windows = configured(builder, { os: "windows", architecture: "amd64", "os.version": "10.0.1" });
    const silent = builder.image({ members: { config: builder.blob("not JSON", IMAGE_CONFIG) } });
    const inner = builder.imageIndex([arm, { ...windows, platform: { os: "", architecture: "" } }]);
    const s390x = builder.imageIndex([silent], { mediaType: DOCKER_MANIFEST_LIST });
    const index = builder.imageIndex([inner, { ...s390x, platform: linux("s390x") }]);
    expect(await resolved(builder, index, "linux/arm/v6")).toBe(arm.digest);
    expect(await resolved(builder, index, "windows/amd64:10.0.1")).toBe(windows.digest);
    expect(await resolved(builder, index, "linux/s390x")).toBe(silent.digest);
    expect(await resolved(builder, arm, "linux/arm")).toBe(arm.digest);
    const error = await errorOf(resolved(builder, arm, "linux/arm/v7"));
    expect(error).toMatchObject({ code: "REF_NOT_FOUND", hint: "It has: linux/arm/v6", details: { candidates: ["linux/arm/v6"] } });
    expect((await errorOf(resolved(builder, silent, "linux/arm"))).hint).toContain("leave out --platform");
  });

  test("reads an index that lists itself once", async () => {
    const builder = new LayoutBuilder();
    const image = configured(builder, { os: "linux", architecture: "arm64" });
    const inner = builder.imageIndex([image]);
    const index = builder.imageIndex([inner, inner, image]);
    expect(await resolved(builder, index, "linux/arm64")).toBe(image.digest);
  });
});

describe("a copy of one platform", () => {
  test("takes artifacts about it or about the whole image, and leaves out those about others", async () => {
    const builder = new LayoutBuilder();
    const [amd, arm] = [builder.image(), builder.image()];
    const [ofAmd, ofArm] = [builder.referrer(amd), builder.referrer(arm)];
    const ofAll = builder.image({ members: { artifactType: "application/vnd.example.notes" } });
    const index = builder.imageIndex([{ ...amd, platform: linux("amd64") }, { ...arm, platform: linux("arm64") }, ofAmd, ofArm, ofAll]);
    const target = new LayoutBuilder().layout();
    const { omitted } = await copyLayout(builder.entry(index, { tag: "v1" }).layout(), target, {
      reference: "v1",
      platforms: [parsePlatform("arm64")],
    });
    expect(omitted.map((d) => d.digest).toSorted()).toEqual([amd.digest, ofAmd.digest].toSorted());
    for (const d of [arm, ofArm, ofAll]) expect(await target.blobs.has(d.digest)).toBe(true);
  });

  test("leaves no platform out of an index that is both an image and a referrer", async () => {
    const builder = new LayoutBuilder();
    const { index, images } = indexOf(builder, [linux("amd64"), linux("arm64")]);
    const subject = builder.image();
    const artifact = builder.imageIndex([{ ...index }], { subject, artifactType: "a/b" });
    const top = builder.imageIndex([index, { ...subject, platform: linux("s390x") }]);
    const target = new LayoutBuilder().layout();
    const source = builder.entry(top, { tag: "v1" }).listed(artifact).layout();
    await copyLayout(source, target, { reference: "v1", platforms: [parsePlatform("linux/s390x")] });
    for (const d of images) expect(await target.blobs.has(d.digest)).toBe(true);
  });
});
