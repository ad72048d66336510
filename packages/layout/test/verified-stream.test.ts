import { getEventListeners, once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Algorithm, Descriptor, Digest, OcilotError } from "../src/index.js";
import { blobNotFound, checkBytes, tooLarge } from "../src/content/check-bytes.js";
import { verifiedStream } from "../src/content/verified-stream.js";
import { descriptorOf, digestNo, errorOf, text } from "./helpers.js";

const HELLO = text("hello, world");
const D = descriptorOf(HELLO);
const ALGORITHMS: readonly Algorithm[] = ["sha256", "sha384", "sha512", "blake3"];
const OTHER = text("hello, World");

async function through(d: Descriptor, ...parts: Uint8Array[]): Promise<Buffer> {
  const stream = verifiedStream(d);
  const [bytes] = await Promise.all([buffer(stream), pipeline(Readable.from(parts), stream, { end: true })]);
  return bytes;
}

/** What arrives before the error. */
async function failure(d: Descriptor, ...parts: Uint8Array[]): Promise<{ error: OcilotError; arrived: number }> {
  let arrived = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done): void {
      arrived += chunk.length;
      done();
    },
  });
  const error = await errorOf(pipeline(Readable.from(parts), verifiedStream(d), sink));
  return { error, arrived };
}

describe.each(ALGORITHMS)("%s", (algorithm) => {
  const d = descriptorOf(HELLO, { algorithm });

  test("the right bytes pass, however they are cut", async () => {
    expect(await through(d, HELLO)).toEqual(Buffer.from(HELLO));
    expect(await through(d, HELLO.subarray(0, 3), HELLO.subarray(3, 4), HELLO.subarray(4))).toEqual(Buffer.from(HELLO));
    expect(checkBytes(d, HELLO)).toBe(HELLO);
  });

  test("other bytes of the same size are corrupt, and the error names both digests", async () => {
    const found = descriptorOf(OTHER, { algorithm }).digest;
    const details = { digest: d.digest, expected: d.digest, found };
    expect((await failure(d, OTHER)).error).toMatchObject({ code: "BLOB_CORRUPT", details });
    expect(await errorOf(() => checkBytes(d, OTHER))).toMatchObject({ code: "BLOB_CORRUPT", details });
  });
});

test("content that is too short fails at its end, with the size that was found", async () => {
  const short = HELLO.subarray(0, 5);
  const details = { digest: D.digest, expected: 12, found: 5 };
  expect((await failure(D, short)).error).toMatchObject({ code: "SIZE_MISMATCH", details });
  expect(await errorOf(() => checkBytes(D, short))).toMatchObject({ code: "SIZE_MISMATCH", details });
  expect((await failure(D)).error).toMatchObject({ code: "SIZE_MISMATCH", details: { found: 0 } });
});

test("content that is too long fails at once, and nothing beyond its size passes", async () => {
  const { error, arrived } = await failure(D, HELLO, text("!"), text("more"));
  expect(error).toMatchObject({ code: "SIZE_MISMATCH", details: { expected: 12, found: 13 } });
  expect(arrived).toBe(12);
  expect(await errorOf(() => checkBytes(D, text("hello, world!")))).toMatchObject({ code: "SIZE_MISMATCH", details: { found: 13 } });
});

test("no content is content, too", async () => {
  const nothing = descriptorOf(text(""));
  expect(await through(nothing)).toHaveLength(0);
  expect(checkBytes(nothing, text(""))).toHaveLength(0);
  expect((await failure(nothing, text("x"))).error.code).toBe("SIZE_MISMATCH");
});

test("a digest that cannot be computed is never taken for right", async () => {
  const d: Descriptor = { ...D, digest: "md5:abc" as Digest };
  expect((await errorOf(() => verifiedStream(d))).code).toBe("ALGORITHM_UNSUPPORTED");
  expect((await errorOf(() => checkBytes(d, HELLO))).code).toBe("ALGORITHM_UNSUPPORTED");
});

test("missing and too large are errors of their own", () => {
  expect(blobNotFound({ digest: digestNo(1) })).toMatchObject({ code: "BLOB_NOT_FOUND", details: { digest: digestNo(1) } });
  expect(tooLarge(D, 5)).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 5, found: 12 } });
});

test("an abort ends the stream, and a stream that has ended listens no more", async () => {
  const first = new AbortController();
  const cut = verifiedStream(D, first.signal);
  const reading = cut.toArray();
  expect(getEventListeners(first.signal, "abort")).toHaveLength(1);
  first.abort();
  await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  expect(getEventListeners(first.signal, "abort")).toHaveLength(0);

  const second = new AbortController();
  const whole = verifiedStream(D, second.signal);
  const closed = once(whole, "close");
  whole.end(HELLO);
  expect(Buffer.concat(await whole.toArray())).toEqual(Buffer.from(HELLO));
  await closed;
  expect(getEventListeners(second.signal, "abort")).toHaveLength(0);
});
