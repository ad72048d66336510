import { describe, expect, test } from "vitest";
import { OCTET_STREAM, digestOf, memoryBackend, sniffManifest } from "../src/index.js";
import { sniffMediaType } from "../src/content/sniff-manifest.js";
import { digestNo, text } from "./helpers.js";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const ORAS = "application/vnd.cncf.oras.artifact.manifest.v1+json";

test.each([
  [{ mediaType: IMAGE }, IMAGE],
  [{ mediaType: ORAS }, ORAS],
  [{ mediaType: "application/json" }, OCTET_STREAM],
  [{ schemaVersion: 2, manifests: [] }, INDEX],
  [{ schemaVersion: 2, mediaType: "", manifests: [] }, INDEX],
  [{ schemaVersion: 2, config: {}, layers: [] }, IMAGE],
  [{ artifactType: "x/y", blobs: [] }, ORAS],
  [{ schemaVersion: 2 }, OCTET_STREAM],
  [{ manifests: [] }, OCTET_STREAM],
  [{ architecture: "amd64", os: "linux", config: {} }, OCTET_STREAM],
])("%j is %s", (json, expected) => {
  expect(sniffManifest(text(JSON.stringify(json)))).toBe(expected);
  expect(sniffManifest(text(`\n  ${JSON.stringify(json)}\n`))).toBe(expected);
});

test.each(["", "[]", "x", "{", '{"mediaType":"a","mediaType":"b"}', "\ufeff{}", "{".repeat(1000), "\u001f\u008b{"])(
  "%j is no manifest and no error",
  (source) => expect(sniffManifest(text(source))).toBe(OCTET_STREAM),
);

describe("sniffMediaType", () => {
  const bytes = text(JSON.stringify({ mediaType: IMAGE }));

  test("reads no blob that is too large to be a manifest", async () => {
    const { blobs } = memoryBackend(undefined, [[digestOf(bytes), bytes]]);
    expect(await sniffMediaType(blobs, digestOf(bytes), bytes.length)).toBe(IMAGE);
    expect(await sniffMediaType(blobs, digestOf(bytes), 9 * 1024 * 1024)).toBe(OCTET_STREAM);
  });

  test("leaves damage for the reader to find", async () => {
    const { blobs } = memoryBackend(undefined, [[digestNo(1), bytes]]);
    expect(await sniffMediaType(blobs, digestNo(1), bytes.length)).toBe(OCTET_STREAM);
  });
});
