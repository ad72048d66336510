import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { GrowingHash } from "@ocilot/layout";
import { tempDir } from "@ocilot/testkit";
import { afterEach, describe, expect, test, vi } from "vitest";
import { HashedFile } from "../../src/bundle/hashed-file.js";

afterEach(() => vi.restoreAllMocks());

const LARGE = 40 << 20;
const content = (size: number): Buffer => Buffer.alloc(size, "The quick brown fox jumps over the lazy dog. ");

async function written(bytes: Buffer, options: { size?: number; sync?: boolean } = {}): Promise<{ path: string; hex: string }> {
  const path = join(tempDir(), "file");
  const file = await HashedFile.create(path, { size: options.size ?? bytes.length, sync: options.sync ?? false });
  const chunks = Array.from({ length: Math.ceil(bytes.length / 100_000) }, (_, i) => bytes.subarray(i * 100_000, (i + 1) * 100_000));
  await finished(Readable.from(chunks).pipe(file.sink));
  try {
    return { path, hex: await file.finish() };
  } finally {
    await file.close();
  }
}

describe("a file that is hashed while it is written", () => {
  test.each([
    ["empty", 0, {}],
    ["small", 250_001, { sync: true }],
    ["large, behind the writer", LARGE, { sync: true }],
    ["larger than was said", LARGE, { size: 10 }],
    ["smaller than was said", 1000, { size: LARGE }],
  ])("%s", async (_, size, options) => {
    const bytes = content(size);
    const { path, hex } = await written(bytes, options);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(hex).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  test("is read again where the thread has failed", async () => {
    const digest = vi.spyOn(GrowingHash.prototype, "digest").mockResolvedValue(undefined);
    const bytes = content(LARGE);
    expect((await written(bytes)).hex).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(digest).toHaveBeenCalledOnce();
  });

  test("is not written over another", async () => {
    const path = join(tempDir(), "file");
    writeFileSync(path, "other");
    await expect(HashedFile.create(path, { size: 1, sync: false })).rejects.toMatchObject({ code: "EEXIST" });
    expect(readFileSync(path, "utf8")).toBe("other");
  });
});
