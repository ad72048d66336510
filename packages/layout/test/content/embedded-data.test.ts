import { buffer } from "node:stream/consumers";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type BlobStore, Layout, blobPath, memoryBackend, openArchive, transferBlobs } from "../../src/index.js";
import { archiveWith, layoutMembers, tar } from "../archives/tar-maker.js";
import { descriptorOf, errorOf, layoutWith, text } from "../helpers.js";

const BODY = text("embedded");
const D = descriptorOf(BODY, { mediaType: "text/plain" });
const data = Buffer.from(BODY).toString("base64");

const STORES: readonly (readonly [string, () => Promise<BlobStore>])[] = [
  ["directory", async () => (await Layout.open(layoutWith())).blobs],
  ["memory", async () => new Layout(memoryBackend()).blobs],
  ["archive", async () => (await openArchive(archiveWith(tar(layoutMembers())))).blobs],
];

test.each(STORES)("%s: the data of a descriptor serves where the blob is missing", async (_name, open) => {
  const blobs = await open();
  const d = { ...D, data };
  expect(Buffer.from(await blobs.bytes(d))).toEqual(Buffer.from(BODY));
  expect(await buffer(await blobs.open(d))).toEqual(Buffer.from(BODY));
  expect(await blobs.bytesMany([d, D])).toMatchObject([BODY, { code: "BLOB_NOT_FOUND" }]);
  expect(await blobs.extent?.(d)).toBeUndefined();
  expect(await blobs.file?.(d)).toBeUndefined();
  expect(await blobs.has(D.digest)).toBe(false);
});

test.each(STORES)("%s: data of another digest or size, or that is not base64, serves nothing", async (_name, open) => {
  const blobs = await open();
  for (const wrong of [Buffer.from("EMBEDDED").toString("base64"), Buffer.from("short").toString("base64"), "!", `${data}!`]) {
    const error = await errorOf(blobs.bytes({ ...D, data: wrong }));
    expect(error.code).toBe("BLOB_NOT_FOUND");
    expect(error.message).toContain("data in its descriptor");
  }
});

test("a blob that is there is read from its file, whatever the descriptor embeds", async () => {
  const dir = layoutWith(undefined, [BODY]);
  const { blobs } = await Layout.open(dir);
  expect(Buffer.from(await blobs.bytes({ ...D, data: "!" }))).toEqual(Buffer.from(BODY));
  rmSync(join(dir, blobPath(D.digest)));
  expect(Buffer.from(await blobs.bytes({ ...D, data }))).toEqual(Buffer.from(BODY));
});

test("a copy writes embedded content as a blob", async () => {
  const big = text("x".repeat(100_000));
  const embedded = [D, descriptorOf(big, { mediaType: "text/plain" })].map((d, i) => ({
    ...d,
    data: i === 0 ? data : Buffer.from(big).toString("base64"),
  }));
  const target = await Layout.open(layoutWith(), { sync: false });
  await transferBlobs(await Layout.open(layoutWith()), target, embedded);
  for (const d of embedded) expect(await target.blobs.size(d.digest)).toBe(d.size);
});
