import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { Layout, OcilotError, digestOf, memoryBackend } from "../src/index.js";
import { collect, descriptorOf, digestNo, errorOf, text } from "./helpers.js";

const HELLO = text("hello");

test("an empty one is a layout to write to and read from", async () => {
  const layout = Layout.inMemory();
  const d = await layout.blobs.put(HELLO, { mediaType: "a/b", algorithm: "sha512" });
  expect(d).toEqual(descriptorOf(HELLO, { mediaType: "a/b", algorithm: "sha512" }));
  const next = await layout.index.update(() => [{ op: "insert", before: 0, descriptor: d }]);
  expect(next.digest).toBe(digestOf(text(next.text)));
  expect(await layout.index.read()).toBe(next);
  expect(await layout.resolve("")).toEqual(d);
  expect(await buffer(await layout.blobs.open(d))).toEqual(Buffer.from(HELLO));
  expect(await collect(layout.blobs.list())).toMatchObject([{ digest: d.digest, size: 5 }]);
  await layout.blobs.delete(d.digest);
  expect(await layout.blobs.has(d.digest)).toBe(false);
});

test("blobs are checked as those of a directory are", async () => {
  const { blobs } = memoryBackend(undefined, [
    [digestNo(1), HELLO],
    [digestOf(HELLO), HELLO],
  ]);
  const d = descriptorOf(HELLO);
  expect((await errorOf(blobs.bytes({ ...d, digest: digestNo(1) }))).code).toBe("BLOB_CORRUPT");
  expect((await errorOf(blobs.open({ ...d, digest: digestNo(1) }))).code).toBe("BLOB_CORRUPT");
  expect((await errorOf(blobs.bytes({ ...d, size: 4 }))).code).toBe("SIZE_MISMATCH");
  expect((await errorOf(blobs.bytes({ ...d, digest: digestNo(2) }))).code).toBe("BLOB_NOT_FOUND");
  expect((await errorOf(blobs.bytes(d, { maxBytes: 4 }))).code).toBe("LIMIT_EXCEEDED");
  expect((await errorOf(blobs.put(text("jello"), { expect: d }))).code).toBe("BLOB_CORRUPT");
  const results = await blobs.bytesMany([d, { ...d, digest: digestNo(1) }, d]);
  expect(results.map((r) => (r instanceof OcilotError ? r.code : r.length))).toEqual([5, "BLOB_CORRUPT", 5]);
});

test("updates take turns, and one that fails does not stop the next", async () => {
  const { index } = memoryBackend();
  const updates = Array.from({ length: 20 }, (_, i) =>
    index.update(async (base) => {
      await Promise.resolve();
      if (i === 3) throw new Error("no");
      return [{ op: "annotate-index", set: { [`n${i}`]: String(Object.keys(base.annotations).length) } }];
    }),
  );
  const results = await Promise.allSettled(updates);
  expect(results.filter((r) => r.status === "rejected")).toHaveLength(1);
  expect(Object.keys((await index.read()).annotations)).toHaveLength(19);
});

test("what its maker keeps is not changed through it", async () => {
  const source = Uint8Array.from(HELLO);
  const { blobs } = memoryBackend();
  const d = await blobs.put(source);
  source[0] = 0;
  expect(Buffer.from(await blobs.bytes(d)).toString()).toBe("hello");
});
