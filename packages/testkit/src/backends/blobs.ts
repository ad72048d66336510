import { getEventListeners } from "node:events";
import { buffer } from "node:stream/consumers";
import { type Digest, digestOf, isOcilotError, visitBlobs } from "@ocilot/layout";
import { expect, it, vi } from "vitest";
import { BIG, type Subject, UNKNOWN } from "./content.js";
import { codeOf, drain } from "./outcomes.js";

/** Reading blobs. */
export function describeBlobs(current: () => Subject): void {
  it("tells what is there, and how large it is", async () => {
    const { layout, content } = current();
    for (const d of [content.image, content.child, content.referrer, content.layer, content.sha512]) {
      expect(await layout.blobs.has(d.digest)).toBe(true);
      expect(await layout.blobs.size(d.digest)).toBe(d.size);
    }
    expect(await layout.blobs.has(UNKNOWN)).toBe(false);
    expect(await layout.blobs.size(UNKNOWN)).toBeUndefined();
  });

  it("gives content whole, as bytes and as a stream, sha512 too", async () => {
    const { layout, content } = current();
    for (const d of [content.layer, content.image, content.sha512]) {
      const bytes = Buffer.from(content.builder.blobs.get(d.digest)!);
      expect(Buffer.from(await layout.blobs.bytes(d)).equals(bytes)).toBe(true);
      expect((await buffer(await layout.blobs.open(d))).equals(bytes)).toBe(true);
    }
  });

  it("gives many at once, in the order asked, each failure in its place", async () => {
    const { layout, content } = current();
    const absent = { ...content.child, digest: UNKNOWN };
    const found = await layout.blobs.bytesMany([content.image, absent, content.referrer, content.image]);
    expect(found.map((f) => (isOcilotError(f) ? f.code : digestOf(f as Uint8Array)))).toEqual([
      content.image.digest,
      "BLOB_NOT_FOUND",
      content.referrer.digest,
      content.image.digest,
    ]);
  });

  it("hands many to a visitor one after the other, in the order asked, each failure in its place", async () => {
    const { layout, content } = current();
    const absent = { ...content.child, digest: UNKNOWN };
    const asked = [content.image, absent, content.referrer, content.image, content.layer, content.sha512];
    const seen: unknown[] = [];
    await visitBlobs(layout.blobs, asked, (found, d, i) => {
      expect(d).toBe(asked[i]);
      seen.push(found instanceof Uint8Array ? Buffer.from(found).toString("latin1") : found.code);
    });
    const contents = asked.map((d) => content.builder.blobs.get(d.digest));
    expect(seen).toEqual(contents.map((bytes) => (bytes === undefined ? "BLOB_NOT_FOUND" : Buffer.from(bytes).toString("latin1"))));
    const limited: unknown[] = [];
    await visitBlobs(layout.blobs, [content.layer], (found) => limited.push(found), { maxBytes: 10 });
    expect(limited).toMatchObject([{ code: "LIMIT_EXCEEDED" }]);
    const stop = new Error("enough");
    const refuse = (): void => {
      throw stop;
    };
    await expect(visitBlobs(layout.blobs, asked, refuse)).rejects.toBe(stop);
    const aborted = visitBlobs(layout.blobs, asked, () => undefined, { signal: AbortSignal.abort() });
    expect(await codeOf(aborted)).toBe("ABORTED");
  });

  it("refuses what is absent, of another size, over the limit, or of an unknown algorithm", async () => {
    const { layout, content } = current();
    const { blobs } = layout;
    expect(await codeOf(blobs.bytes({ ...content.child, digest: UNKNOWN }))).toBe("BLOB_NOT_FOUND");
    expect(await codeOf(drain(layout, { ...content.child, digest: UNKNOWN }))).toBe("BLOB_NOT_FOUND");
    for (const size of [content.layer.size - 1, content.layer.size + 1]) {
      expect(await codeOf(blobs.bytes({ ...content.layer, size }))).toBe("SIZE_MISMATCH");
      expect(await codeOf(drain(layout, { ...content.layer, size }))).toBe("SIZE_MISMATCH");
    }
    expect(await codeOf(blobs.bytes(content.layer, { maxBytes: content.layer.size - 1 }))).toBe("LIMIT_EXCEEDED");
    const [limited] = await blobs.bytesMany([content.layer], { maxBytes: 10 });
    expect(limited).toMatchObject({ code: "LIMIT_EXCEEDED" });
    const foreign = { ...content.layer, digest: `md5:${"0".repeat(32)}` as Digest };
    expect(["ALGORITHM_UNSUPPORTED", "BLOB_NOT_FOUND"]).toContain(await codeOf(drain(layout, foreign)));
  });

  it("leaves no listener on a signal, whether content was given whole or refused", async () => {
    const { layout, content } = current();
    const { signal } = new AbortController();
    const refused = [
      { ...content.child, digest: UNKNOWN },
      { ...content.layer, size: content.layer.size + 1 },
      { ...content.layer, digest: `md5:${"0".repeat(32)}` as Digest },
    ];
    for (const d of refused) expect(await codeOf(drain(layout, d, signal))).not.toBe("no error");
    await drain(layout, content.image, signal);
    // A stream closes a little after its last byte.
    await vi.waitFor(() => expect(getEventListeners(signal, "abort")).toEqual([]), 10_000);
  });

  it("refuses sizes that cannot be, and reads nothing for them", async () => {
    const { layout, content } = current();
    for (const size of [Number.MAX_SAFE_INTEGER, 2 ** 40, 0]) {
      expect(await codeOf(layout.blobs.bytes({ ...content.layer, size }))).toMatch(/^(SIZE_MISMATCH|LIMIT_EXCEEDED)$/);
      expect(await codeOf(drain(layout, { ...content.layer, size }))).toBe("SIZE_MISMATCH");
    }
  });

  it("never passes off other bytes as those of a digest", async () => {
    const { content, open } = current();
    const { builder, layer, referrer } = content;
    builder.blobs.set(layer.digest, Buffer.from(BIG).fill("x", 0, 1));
    const text = Buffer.from(builder.blobs.get(referrer.digest)!);
    builder.blobs.set(referrer.digest, text.fill(" ", 0, 1));
    const layout = await open(builder);
    for (const d of [layer, referrer]) {
      expect(await codeOf(layout.blobs.bytes(d))).toBe("BLOB_CORRUPT");
      expect(await codeOf(drain(layout, d))).toBe("BLOB_CORRUPT");
      const [one] = await layout.blobs.bytesMany([d]);
      expect(one).toMatchObject({ code: "BLOB_CORRUPT" });
      await visitBlobs(layout.blobs, [d], (found) => expect(found).toMatchObject({ code: "BLOB_CORRUPT" }));
    }
  });

  it("lists everything that index.json leads to, with its size", async () => {
    const { layout, content } = current();
    const sizes = new Map<string, number>();
    for await (const { digest, size } of layout.blobs.list()) sizes.set(digest, size);
    for (const [digest, bytes] of content.builder.blobs) expect([digest, sizes.get(digest)]).toEqual([digest, bytes.length]);
  });
}
