import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ZstdFrames } from "../src/archive/zstd-frames.js";

/** Frames that zstd 1.5 wrote, and skippable ones (RFC 8878, 3.1.2). */
const FRAMES: Readonly<Record<string, string>> = {
  "a raw block, with a checksum": "28b52ffd04586500003068656c6c6f200100a94b11874e200a",
  "a raw block, without one": "28b52ffd005829000068656c6c6f",
  "no content": "28b52ffd240001000099e9d851",
  "a compressed block, with the size of the content": "28b52ffd64e8024d00001061610100e32b80052342da2e",
  "several blocks, one of a repeated byte": "28b52ffd04585400001000000100fbff39c00202001000039f04002d28de26",
  "a skippable frame": "502a4d1803000000aabbcc",
  "an empty skippable frame": "5f2a4d1800000000",
};
const bytesOf = (name: string): Buffer => Buffer.from(FRAMES[name]!, "hex");

function isComplete(...pieces: readonly Uint8Array[]): boolean {
  const frames = new ZstdFrames();
  for (const piece of pieces) frames.feed(piece);
  return frames.isComplete;
}

describe.each(Object.keys(FRAMES))("%s", (name) => {
  test("is complete as a whole, and cut off at every byte before", () => {
    const frame = bytesOf(name);
    expect(isComplete(frame)).toBe(true);
    for (let end = 1; end < frame.length; end++)
      expect({ end, isComplete: isComplete(frame.subarray(0, end)) }).toEqual({ end, isComplete: false });
  });
});

test("frames that follow each other are complete exactly at their ends, in whatever pieces they come", () => {
  const names = fc.array(fc.constantFrom(...Object.keys(FRAMES)), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(names, fc.nat(), fc.nat(), (chosen, a, b) => {
      const frames = chosen.map(bytesOf);
      const all = Buffer.concat(frames);
      const ends = new Set(frames.map((_, i) => Buffer.concat(frames.slice(0, i + 1)).length));
      const end = 1 + (a % all.length);
      const middle = b % end;
      expect(isComplete(all.subarray(0, middle), all.subarray(middle, end))).toBe(ends.has(end));
    }),
  );
});

test("what is no frame is never complete", () => {
  expect(isComplete(Buffer.from("more"))).toBe(false);
  expect(isComplete(bytesOf("no content"), Buffer.from("something else"))).toBe(false);
});
