import { type Digest, digestOf } from "@ocilot/layout";
import { expect, it } from "vitest";
import { BIG, type Subject, UNKNOWN } from "./content.js";
import { codeOf } from "./outcomes.js";

/** Storing and deleting blobs. */
export function describeWriting(current: () => Subject): void {
  it("stores bytes and streams under their digest, twice without harm", async () => {
    const { layout } = current();
    const bytes = new TextEncoder().encode("stored");
    const chunks = async function* (): AsyncIterable<Uint8Array> {
      for (let i = 0; i < 30; i++) yield BIG.subarray(i * 100_000, (i + 1) * 100_000);
      yield bytes;
    };
    const whole = Buffer.concat([BIG, bytes]);
    for (const source of [bytes, bytes, chunks()]) {
      const d = await layout.blobs.put(source, { mediaType: "text/plain" });
      const expected = source === bytes ? bytes : whole;
      expect(d).toEqual({ mediaType: "text/plain", digest: digestOf(expected), size: expected.length });
      expect(Buffer.from(await layout.blobs.bytes(d)).equals(expected)).toBe(true);
    }
    const sha512 = await layout.blobs.put(bytes, { algorithm: "sha512" });
    expect(sha512.digest).toBe(digestOf(bytes, "sha512"));
    expect(await layout.blobs.has(sha512.digest)).toBe(true);
  });

  it("stores nothing but what was expected", async () => {
    const { layout } = current();
    const bytes = new TextEncoder().encode("expected");
    const expect_ = { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length };
    const stream = async function* (text: string): AsyncIterable<Uint8Array> {
      yield new TextEncoder().encode(text);
    };
    expect(await codeOf(layout.blobs.put(stream("unxpectd"), { expect: expect_ }))).toBe("BLOB_CORRUPT");
    expect(await codeOf(layout.blobs.put(stream("too long for it"), { expect: expect_ }))).toBe("SIZE_MISMATCH");
    expect(await codeOf(layout.blobs.put(stream("short"), { expect: expect_ }))).toBe("SIZE_MISMATCH");
    expect(await layout.blobs.has(expect_.digest)).toBe(false);
    expect(await layout.blobs.put(stream("expected"), { expect: expect_ })).toEqual(expect_);
  });

  it("stores nothing of a source that fails, or when it is aborted", async () => {
    const { layout } = current();
    const failing = async function* (): AsyncIterable<Uint8Array> {
      yield BIG;
      throw new Error("the source broke");
    };
    await expect(layout.blobs.put(failing())).rejects.toThrow("the source broke");
    const twice = async function* (): AsyncIterable<Uint8Array> {
      yield BIG;
      yield BIG;
    };
    expect(await codeOf(layout.blobs.put(twice(), { signal: AbortSignal.abort() }))).toBe("ABORTED");
    const digests: string[] = [digestOf(BIG), digestOf(Buffer.concat([BIG, BIG]))];
    for (const digest of digests.slice(1)) expect(await layout.blobs.has(digest as Digest)).toBe(false);
  });

  it("stores many at once where it can", async () => {
    const { layout } = current();
    if (layout.blobs.putMany === undefined) return;
    const blobs = Array.from({ length: 50 }, (_, i) => {
      const bytes = new TextEncoder().encode(`one of many ${i}`);
      return { bytes, descriptor: { mediaType: "text/plain", digest: digestOf(bytes), size: bytes.length } };
    });
    await layout.blobs.putMany(blobs);
    const read = await layout.blobs.bytesMany(blobs.map((b) => b.descriptor));
    expect(read.map((r) => Buffer.from(r as Uint8Array).toString())).toEqual(blobs.map((b) => Buffer.from(b.bytes).toString()));
  });

  it("deletes a blob, and takes no offence where there is none", async () => {
    const { layout } = current();
    const d = await layout.blobs.put(new TextEncoder().encode("to be deleted"));
    await layout.blobs.delete(d.digest);
    expect(await layout.blobs.has(d.digest)).toBe(false);
    expect(await codeOf(layout.blobs.bytes(d))).toBe("BLOB_NOT_FOUND");
    await layout.blobs.delete(d.digest);
    await layout.blobs.delete(UNKNOWN);
  });
}
