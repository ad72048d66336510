import { randomBytes } from "node:crypto";
import { Transform } from "node:stream";
import type { Gunzip } from "node:zlib";
import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import { layoutMembers, refusal, tar } from "../archives/tar-maker.js";

/** As Node's zstd: it ends after the first frame, here after 600 bytes, and neither reads nor reports the rest. */
class FirstFrameOnly extends Transform {
  bytesWritten = 0;
  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    this.bytesWritten = Math.min(600, chunk.length);
    this.push(tar(layoutMembers()));
    done();
  }
}

vi.mock("../../src/archive/compression.js", async (original) => ({
  ...(await original<typeof import("../../src/archive/compression.js")>()),
  decompressor: () => new FirstFrameOnly() as unknown as Gunzip,
}));

test("what follows the first frame is not left out in silence", async () => {
  const packed = gzipSync(randomBytes(5000));
  expect(await refusal(packed)).toMatchObject({
    code: "ARCHIVE_INVALID",
    details: { reason: expect.stringContaining("something after it") },
  });
});
