import { describe, expect, test } from "vitest";
import { bareDescriptor, parseDescriptor } from "../src/index.js";
import { MANIFEST_TYPE, digestNo, errorOf } from "./helpers.js";

const GOOD = { mediaType: MANIFEST_TYPE, digest: digestNo(1), size: 7 };
const parse = (more: Record<string, unknown>): unknown => parseDescriptor({ ...GOOD, ...more }, "$.manifests[2]");

describe("size", () => {
  test.each([0, 7, 1e15, Number.MAX_SAFE_INTEGER])("takes %d without allocating it", (size) =>
    expect(parse({ size })).toMatchObject({ size }),
  );

  test.each([-1, 2 ** 53, 2 ** 53 + 2, 2 ** 60, 1.5, "12", null, undefined, Number.POSITIVE_INFINITY, [], {}])(
    "refuses %j",
    async (size) => {
      const error = await errorOf(() => parse({ size }));
      expect(error).toMatchObject({ code: "DESCRIPTOR_INVALID", details: { path: "$.manifests[2].size" } });
      expect(error.message).toMatch(/^\$\.manifests\[2\]\.size is .+, not a size in bytes$/);
    },
  );

  test("a huge wrong size is not repeated whole in the message", async () => {
    expect((await errorOf(() => parse({ size: "9".repeat(1_000_000) }))).message.length).toBeLessThan(200);
  });
});

describe("the members that ocilot acts on", () => {
  test.each([
    ["mediaType", undefined, "mediaType"],
    ["mediaType", "", "mediaType"],
    ["mediaType", 7, "mediaType"],
    ["annotations", [], "annotations"],
    ["annotations", "a", "annotations"],
    ["annotations", { a: 1 }, "annotations"],
    ["annotations", { a: null }, "annotations"],
    ["artifactType", 7, "artifactType"],
    ["data", 7, "data"],
    ["urls", "https://example.com", "urls"],
    ["urls", { members: [] }, "urls"],
    ["urls", [7], "urls"],
    ["platform", "linux/amd64", "platform"],
    ["platform", { os: 7 }, 'platform["os"]'],
    ["platform", { "os.features": {} }, 'platform["os.features"]'],
  ])("refuses %s = %j with its JSON path", async (member, value, path) => {
    const error = await errorOf(() => parse({ [member]: value }));
    expect(error).toMatchObject({ code: "DESCRIPTOR_INVALID", details: { path: `$.manifests[2].${path}` } });
  });

  test("names the key of an annotation that is not a string", async () => {
    expect((await errorOf(() => parse({ annotations: { good: "x", bad: 1 } }))).message).toContain('"bad"');
  });

  test.each(["annotations", "urls", "data", "platform"])("takes null for %s as Go does", (member) => {
    expect(parse({ [member]: null })).toMatchObject(GOOD);
  });

  test("a wrong digest carries its path", async () => {
    expect(await errorOf(() => parse({ digest: "sha256:x" }))).toMatchObject({
      code: "DIGEST_INVALID",
      details: { path: "$.manifests[2].digest" },
    });
  });

  test.each([null, [], "x", 7, undefined])("refuses %j in place of a descriptor", async (value) => {
    expect(await errorOf(() => parseDescriptor(value, "$.subject"))).toMatchObject({
      code: "DESCRIPTOR_INVALID",
      details: { path: "$.subject" },
    });
  });
});

test("unknown members stay on the object, which is not copied", () => {
  const value = { ...GOOD, "com.example": { deep: [1] }, urls: ["https://x"], platform: { os: "linux", architecture: "arm64", future: 1 } };
  expect(parseDescriptor(value, "$")).toBe(value);
});

test("bareDescriptor keeps what identifies content and drops the rest", () => {
  expect(bareDescriptor({ ...GOOD, annotations: { a: "b" }, artifactType: "x/y" })).toEqual(GOOD);
});
