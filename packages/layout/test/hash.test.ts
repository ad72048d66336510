import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { blake3 } from "@noble/hashes/blake3.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Algorithm, type Digest, createHasher, digestOf, isDigest } from "../src/index.js";
import { algorithmOf, hasDigest } from "../src/content/hash.js";
import { digestNo, errorOf } from "./helpers.js";

const ORACLE = { sha256, sha384, sha512, blake3 };

test.each(Object.keys(ORACLE) as Algorithm[])("%s agrees with a second implementation, however the bytes are cut", (algorithm) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.array(fc.nat({ max: 3000 }), { maxLength: 3 }), (bytes, cuts) => {
      const expected = `${algorithm}:${Buffer.from(ORACLE[algorithm](bytes)).toString("hex")}`;
      expect(digestOf(bytes, algorithm)).toBe(expected);
      const encoded = expected.slice(algorithm.length + 1);
      expect(hasDigest(bytes, algorithm, encoded)).toBe(true);
      expect(hasDigest(new Uint8Array([...bytes, 0]), algorithm, encoded)).toBe(false);
      const hasher = createHasher(algorithm);
      const ends = [...cuts, bytes.length].toSorted((a, b) => a - b);
      ends.forEach((end, i) => hasher.update(bytes.subarray(i === 0 ? 0 : ends[i - 1], end)));
      expect(hasher.digest()).toBe(expected);
      expect(isDigest(expected)).toBe(true);
    }),
  );
});

test("the published digests of nothing", () => {
  const nothing = new Uint8Array();
  expect(digestOf(nothing)).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(digestOf(nothing, "blake3")).toBe("blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
});

test("algorithmOf knows what can be computed and says what to do about the rest", async () => {
  expect(algorithmOf(digestNo(1))).toBe("sha256");
  const error = await errorOf(() => algorithmOf("md5:abc" as Digest));
  expect(error).toMatchObject({ code: "ALGORITHM_UNSUPPORTED", details: { digest: "md5:abc" } });
  expect(error.hint).toContain("sha256");
});
