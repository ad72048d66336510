import { describe, expect, test } from "vitest";
import { MAX_MANIFEST_BYTES, type Manifest, hasEmptyArtifactType, parseManifest } from "../src/index.js";
import { MANIFEST_TYPE, digestNo, errorOf, text } from "./helpers.js";

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const DOCKER_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
const ORAS_TYPE = "application/vnd.cncf.oras.artifact.manifest.v1+json";
const d = (n: number, mediaType = "a/b"): object => ({ mediaType, digest: digestNo(n), size: n });
const parse = (value: unknown, mediaType = MANIFEST_TYPE): Manifest =>
  parseManifest(text(typeof value === "string" ? value : JSON.stringify(value)), mediaType, "blob");

describe("artifactType, as distribution-spec 1.1 computes it", () => {
  test.each([
    ["its own", { artifactType: "x/y", config: d(1) }, MANIFEST_TYPE, "x/y"],
    ["the config's where it is missing", { config: d(1) }, MANIFEST_TYPE, "a/b"],
    ["the config's where it is empty", { artifactType: "", config: d(1) }, MANIFEST_TYPE, "a/b"],
    ["not the artifactType of the config", { config: { ...d(1), artifactType: "x/y" } }, MANIFEST_TYPE, "a/b"],
    ["none for an index", { manifests: [] }, INDEX_TYPE, undefined],
    ["an index's own", { artifactType: "x/y", manifests: [] }, INDEX_TYPE, "x/y"],
  ])("%s", (_, json, mediaType, expected) => expect(parse(json, mediaType).artifactType).toBe(expected));

  test("the empty config's type is literally right and flagged as useless", () => {
    expect(hasEmptyArtifactType(parse({ config: d(2, "application/vnd.oci.empty.v1+json") }))).toBe(true);
    expect(hasEmptyArtifactType(parse({ config: d(1) }))).toBe(false);
  });
});

test("a subject counts where the specification defines it, and not on Docker manifests", () => {
  const json = { config: d(1), layers: [d(2)], subject: d(3) };
  expect(parse(json).subject).toEqual(d(3));
  expect(parse(json, DOCKER_TYPE).subject).toBeUndefined();
  expect(parse({ blobs: [d(1)], subject: d(3) }, ORAS_TYPE)).toMatchObject({ subject: d(3), layers: [d(1)] });
});

test("null lists and members count as absent, as in Go", () => {
  const { config, subject, layers, manifests, annotations } = parse({ config: null, subject: null, layers: null, annotations: null });
  expect({ config, subject, layers, manifests, annotations }).toEqual({
    config: undefined,
    subject: undefined,
    layers: [],
    manifests: [],
    annotations: {},
  });
});

describe("refusals", () => {
  test.each([
    ["a byte order mark", "\ufeff{}", "$"],
    ["a second value", "{}{}", "$"],
    ["a duplicate subject", `{"subject":null,"\\u0073ubject":${JSON.stringify(d(1))}}`, "$"],
    ["no object", "[]", "$"],
    ["manifests beside layers (CVE-2021-41190)", { layers: [], manifests: [] }, "$.manifests"],
    ["another mediaType than the descriptor's", { mediaType: INDEX_TYPE }, "$.mediaType"],
    ["a subject that only Go would see", { Subject: d(1) }, '$["Subject"]'],
    ["manifests that only Go would see", { layers: [], MANIFESTS: [] }, '$["MANIFESTS"]'],
    ["annotations that are no strings", { annotations: { a: 1 } }, "$.annotations"],
    ["layers that are no list", { layers: {} }, "$.layers"],
    ["an artifactType that is no string", { artifactType: 1 }, "$.artifactType"],
  ])("%s", async (_, json, path) => {
    expect(await errorOf(() => parse(json))).toMatchObject({ code: "DOCUMENT_INVALID", details: { document: "blob", path } });
  });

  test("layers in an index", async () => {
    expect(await errorOf(() => parse({ manifests: [], layers: [] }, INDEX_TYPE))).toMatchObject({ details: { path: "$.layers" } });
  });

  test("a media type that names no manifest", async () => {
    expect((await errorOf(() => parse({}, "application/json"))).message).toContain("application/json is not a manifest type");
  });

  test("a wrong descriptor inside carries its path", async () => {
    expect(await errorOf(() => parse({ layers: [d(1), { ...d(2), size: -1 }] }))).toMatchObject({ details: { path: "$.layers[1].size" } });
    expect(await errorOf(() => parse({ subject: { ...d(1), digest: "x" } }))).toMatchObject({ details: { path: "$.subject.digest" } });
  });

  test("more than 8 MiB, before anything is parsed", async () => {
    const bytes = new Uint8Array(MAX_MANIFEST_BYTES + 1);
    expect((await errorOf(() => parseManifest(bytes, MANIFEST_TYPE, "blob"))).code).toBe("LIMIT_EXCEEDED");
  });
});
