import { expect, test } from "vitest";
import { IMAGE_INDEX, IMAGE_MANIFEST } from "@ocilot/layout/spec";
import { bytesSource } from "@ocilot/registry";
import { startTestRegistry } from "@ocilot/testkit";
import { EMPTY, clientOf, collect, content, describeBytes, manifest, open, serve } from "../support.js";

test("a repository is written and read by every operation", async () => {
  const registry = await open(startTestRegistry());
  const { client, session } = clientOf(`${registry.host}/a/b`);
  await client.ping();
  expect(await client.headManifest("v1")).toBeUndefined();
  expect(await client.headBlob(describeBytes(EMPTY).digest)).toBeUndefined();
  expect(await client.pushBlob(describeBytes(EMPTY), bytesSource(EMPTY))).toEqual({ how: "uploaded", sentBytes: 2 });
  expect(await client.headBlob(describeBytes(EMPTY).digest)).toBe(2);
  const image = manifest();
  const { digest } = await client.putManifest("v1", image, { mediaType: IMAGE_MANIFEST });
  expect(digest).toBe(describeBytes(image).digest);
  expect(await client.headManifest("v1")).toMatchObject({ mediaType: IMAGE_MANIFEST, size: image.length, digest });
  const fetched = await client.getManifest("v1");
  expect([fetched.descriptor, Buffer.from(fetched.bytes).equals(image)]).toEqual([
    { mediaType: IMAGE_MANIFEST, digest, size: image.length },
    true,
  ]);
  expect(Buffer.from((await client.getManifest(digest)).bytes).equals(image)).toBe(true);
  expect(await client.listTags()).toEqual(["v1"]);
  const referrer = manifest({ artifactType: "x/sbom", subject: { mediaType: IMAGE_MANIFEST, digest, size: image.length } });
  const put = await client.putManifest(describeBytes(referrer).digest, referrer, { mediaType: IMAGE_MANIFEST });
  expect(put.subject).toBe(digest);
  const answer = await client.listReferrers(digest);
  expect(answer).toMatchObject({
    hasApi: true,
    isFiltered: false,
    referrers: [{ digest: describeBytes(referrer).digest, artifactType: "x/sbom" }],
  });
  const other = session.repository(`${registry.host}/c`);
  expect(await other.mountBlob(describeBytes(EMPTY).digest, "a/b")).toBe(true);
  expect(Buffer.from(await other.getBlobBytes(describeBytes(EMPTY))).equals(EMPTY)).toBe(true);
  expect([await client.deleteManifest("v1"), await client.deleteManifest("v1")]).toEqual([true, false]);
  expect([await other.deleteBlob(describeBytes(EMPTY).digest), await other.deleteBlob(describeBytes(EMPTY).digest)]).toEqual([true, false]);
  await expect(client.getManifest("v1")).rejects.toMatchObject({ code: "REF_NOT_FOUND" });
  await expect(other.getBlobBytes(describeBytes(EMPTY))).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
  await expect(collect(other.getBlob(describeBytes(EMPTY)))).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
});

test("a blob is streamed from the start, checked, and from any byte on", async () => {
  const registry = await open(startTestRegistry());
  const { bytes, d } = content(3_000_000);
  registry.repository("r").putBlob(bytes);
  const { client } = clientOf(`${registry.host}/r`);
  let arrived = 0;
  expect((await collect(client.getBlob(d, { onBytes: (n) => (arrived += n) }))).equals(bytes)).toBe(true);
  expect(arrived).toBe(bytes.length);
  expect((await collect(client.getBlob(d, { offset: 2_999_000 }))).equals(bytes.subarray(2_999_000))).toBe(true);
  // Whoever stops early leaves a client that still works.
  for await (const _ of client.getBlob(d)) break;
  expect(Buffer.from(await client.getBlobBytes(d)).equals(bytes)).toBe(true);
});

test("sha512 is used throughout", async () => {
  const registry = await open(startTestRegistry());
  const { client } = clientOf(`${registry.host}/r`);
  const { bytes } = content(300_000);
  const d = describeBytes(bytes, "sha512");
  await client.pushBlob(d, bytesSource(bytes));
  expect((await collect(client.getBlob(d))).equals(bytes)).toBe(true);
  await client.pushBlob(describeBytes(EMPTY), bytesSource(EMPTY));
  const image = manifest();
  const wanted = describeBytes(image, "sha512").digest;
  expect((await client.putManifest(wanted, image, { mediaType: IMAGE_MANIFEST })).digest).toBe(wanted);
  expect((await client.getManifest(wanted)).descriptor.digest).toBe(wanted);
});

test("an empty blob, and one of a source in small pieces, are uploaded", async () => {
  const registry = await open(startTestRegistry());
  const { client } = clientOf(`${registry.host}/r`);
  const none = content(0);
  await client.pushBlob(none.d, bytesSource(none.bytes));
  expect(await client.headBlob(none.d.digest)).toBe(0);
  expect(await collect(client.getBlob(none.d))).toHaveLength(0);
  const { bytes, d } = content(700_001);
  let sent = 0;
  const pieces = {
    read: async function* (offset: number): AsyncIterable<Uint8Array> {
      for (let at = offset; at < bytes.length; at += 999) yield bytes.subarray(at, at + 999);
    },
  };
  await client.pushBlob(d, pieces, { onBytes: (n) => (sent += n) });
  expect(sent).toBe(bytes.length);
  expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
});

test("a source that fails or ends early is its own error and stores nothing", async () => {
  const registry = await open(startTestRegistry());
  const { client } = clientOf(`${registry.host}/r`);
  const { bytes, d } = content(2_000_000);
  const failing = {
    read: async function* (): AsyncIterable<Uint8Array> {
      yield bytes.subarray(0, 1_000_000);
      throw new RangeError("the disk is gone");
    },
  };
  await expect(client.pushBlob(d, failing)).rejects.toThrow(new RangeError("the disk is gone"));
  await expect(client.pushBlob(d, bytesSource(bytes.subarray(0, 999_999)))).rejects.toMatchObject({ code: "IO_ERROR" });
  expect(registry.repository("r").blobs.size).toBe(0);
});

test("pages are followed: tags and referrers", async () => {
  const registry = await open(startTestRegistry({ quirks: { tagsPage: 3, referrersPage: 2, acceptsDangling: true } }));
  const { client } = clientOf(`${registry.host}/r`);
  const image = manifest();
  const subject = { mediaType: IMAGE_MANIFEST, digest: describeBytes(image).digest, size: image.length };
  for (let i = 0; i < 10; i++) await client.putManifest(`t${i}`, image, { mediaType: IMAGE_MANIFEST });
  for (let i = 0; i < 5; i++) {
    const bytes = manifest({ artifactType: i % 2 === 0 ? "x/even" : "x/odd", subject, annotations: { i: String(i) } });
    await client.putManifest(describeBytes(bytes).digest, bytes, { mediaType: IMAGE_MANIFEST });
  }
  expect(await client.listTags()).toHaveLength(10);
  expect(await client.listReferrers(subject.digest)).toMatchObject({ hasApi: true, referrers: { length: 5 } });
  expect(await client.listReferrers(subject.digest, { artifactType: "x/odd" })).toMatchObject({
    isFiltered: true,
    referrers: { length: 2 },
  });
  registry.quirks.filters = false;
  expect(await client.listReferrers(subject.digest, { artifactType: "x/odd" })).toMatchObject({
    isFiltered: false,
    referrers: { length: 2 },
  });
  await expect(client.listTags({ limit: 5 })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  await expect(client.listReferrers(subject.digest, { limit: 3 })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("tags of a registry without links are asked for by the last one; null is none", async () => {
  const host = await serve((request, response) => {
    const url = new URL(request.url ?? "", "http://x");
    const tags = ["a", "b", "c"].filter((tag) => tag > (url.searchParams.get("last") ?? "")).slice(0, 2);
    response.end(JSON.stringify({ name: "r", tags: url.pathname.includes("/none/") ? null : tags }));
  });
  const { client, session } = clientOf(`${host}/r`);
  expect(await client.listTags({ pageSize: 2 })).toEqual(["a", "b", "c"]);
  expect(await session.repository(`${host}/none`).listTags()).toEqual([]);
});

test("an unknown media type is carried as it is", async () => {
  const registry = await open(startTestRegistry());
  const { client } = clientOf(`${registry.host}/r`);
  const bytes = Buffer.from('{"mediaType":"application/vnd.example.thing+json","x":1}');
  await client.putManifest("v", bytes, { mediaType: "application/vnd.example.thing+json" });
  expect((await client.getManifest("v")).descriptor.mediaType).toBe("application/vnd.example.thing+json");
});

test("If-Match and If-None-Match are sent, and 412 is told apart", async () => {
  const registry = await open(startTestRegistry({ quirks: { etag: "enforced", acceptsDangling: true } }));
  const { client } = clientOf(`${registry.host}/r`);
  const index = (n: number): Buffer =>
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [], annotations: { n: String(n) } }));
  await client.putManifest("t", index(1), { mediaType: IMAGE_INDEX, ifNoneMatch: "*" });
  const { etag } = await client.getManifest("t");
  expect(etag).toBeDefined();
  await expect(client.putManifest("t", index(2), { mediaType: IMAGE_INDEX, ifNoneMatch: "*" })).rejects.toMatchObject({
    code: "REGISTRY_REFUSED",
    details: { status: 412 },
  });
  await client.putManifest("t", index(2), { mediaType: IMAGE_INDEX, ifMatch: etag! });
  await expect(client.putManifest("t", index(3), { mediaType: IMAGE_INDEX, ifMatch: etag! })).rejects.toMatchObject({
    details: { status: 412 },
  });
});

test("warnings are told of once", async () => {
  const registry = await open(startTestRegistry({ quirks: { warning: "this registry ends soon" } }));
  const warnings: unknown[] = [];
  const { client } = clientOf(`${registry.host}/r`, { onWarning: (warning) => warnings.push(warning) });
  await client.ping();
  await client.listTags();
  expect(warnings).toEqual([{ host: registry.host, text: "this registry ends soon" }]);
});

test("mirrors are asked first, and the registry where they have nothing or are gone", async () => {
  const [registry, mirror] = [await open(startTestRegistry()), await open(startTestRegistry())];
  const [here, there] = [content(1000), content(1000)];
  registry.repository("r").putBlob(here.bytes);
  registry.repository("r").putBlob(there.bytes);
  mirror.repository("hub/r").putBlob(there.bytes);
  const { client, seen } = clientOf(`${registry.host}/r`, {
    mirrors: { [registry.host]: ["127.0.0.1:1", `${mirror.host}/hub`] },
    retries: 1,
  });
  await client.getBlobBytes(there.d);
  expect(registry.log.size).toBe(0);
  await collect(client.getBlob(there.d));
  expect(registry.log.size).toBe(0);
  await client.getBlobBytes(here.d);
  await collect(client.getBlob(here.d));
  expect(registry.log.count("GET blob")).toBe(2);
  // The mirror that does not answer was given up after its retries.
  expect(seen.filter(({ address }) => address.startsWith("http://127.0.0.1:1/"))).toHaveLength(2);
});

test("what is called off ends with ABORTED: before, while and after an answer began", async () => {
  const host = await serve((request, response) => {
    if (request.url?.includes("/blobs/sha256") === true) {
      response.writeHead(200, { "content-length": 1000 });
      response.write("x");
    }
  });
  const { client } = clientOf(`${host}/r`);
  const { d } = content(1000);
  await expect(client.ping({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  await expect(client.ping({ signal: AbortSignal.timeout(30) })).rejects.toMatchObject({ code: "ABORTED" });
  await expect(collect(client.getBlob(d, { signal: AbortSignal.timeout(30) }))).rejects.toMatchObject({ code: "ABORTED" });
  await expect(client.pushBlob(d, bytesSource(Buffer.alloc(1000)), { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({
    code: "ABORTED",
  });
});

test.each(["..", "a/b", "sha256:x", "", "-x", "a?b", "a b"])(
  "%j is refused as a tag or digest before anything is sent",
  async (reference) => {
    const { client, seen } = clientOf("127.0.0.1:1/r");
    await expect(client.getManifest(reference)).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
    await expect(client.headManifest(reference)).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
    await expect(client.deleteManifest(reference)).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
    await expect(client.putManifest(reference, EMPTY, { mediaType: IMAGE_INDEX })).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
    expect(seen).toEqual([]);
  },
);
