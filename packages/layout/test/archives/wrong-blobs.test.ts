import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { blobPath, openArchive } from "../../src/index.js";
import { MARKER, digestNo, errorOf } from "../helpers.js";
import { D, HELLO, INDEX, archiveWith, refusal, tar } from "./tar-maker.js";

const FRAME = [
  { name: "oci-layout", body: MARKER },
  { name: "index.json", body: INDEX },
];
const NAME = blobPath(D.digest);

test("a blob whose content does not fit its name is BLOB_CORRUPT when it is read, whole or as a stream", async () => {
  const bytes = tar([...FRAME, { name: NAME, body: "jello" }]);
  expect(await refusal(bytes)).toMatchObject({ code: "BLOB_CORRUPT", details: { digest: D.digest } });
  const layout = await openArchive(archiveWith(bytes));
  expect((await errorOf(buffer(await layout.blobs.open(D)))).code).toBe("BLOB_CORRUPT");
  await layout.close();
});

test("a blob of another size than its descriptor says is SIZE_MISMATCH", async () => {
  const layout = await openArchive(archiveWith(tar([...FRAME, { name: NAME, body: "hello you" }])));
  expect((await errorOf(layout.blobs.bytes(D))).code).toBe("SIZE_MISMATCH");
  expect((await errorOf(layout.blobs.open(D))).code).toBe("SIZE_MISMATCH");
  await layout.close();
});

test("of several members under one blob's name the one that fits counts, first or last", async () => {
  const [good, bad, other] = [HELLO, "jello", "something else"].map((body) => ({ name: NAME, body }));
  for (const blobs of [
    [good!, bad!],
    [bad!, good!],
    [other!, good!, bad!],
    [good!, good!],
  ]) {
    const layout = await openArchive(archiveWith(tar([...FRAME, ...blobs])));
    expect(Buffer.from(await layout.blobs.bytes(D))).toEqual(Buffer.from(HELLO));
    await layout.close();
  }
  expect((await refusal(tar([...FRAME, bad!, bad!]))).code).toBe("BLOB_CORRUPT");
});

test("an unknown blob is BLOB_NOT_FOUND, a name that is no digest is no blob", async () => {
  const layout = await openArchive(archiveWith(tar([...FRAME, { name: "blobs/sha256/nothex", body: "x" }])));
  expect((await errorOf(layout.blobs.bytes({ ...D, digest: digestNo(1) }))).code).toBe("BLOB_NOT_FOUND");
  expect(layout.warnings.map((w) => w.message).join()).toContain("blobs/sha256/nothex");
  await layout.close();
});
