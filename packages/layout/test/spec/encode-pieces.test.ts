import fc from "fast-check";
import { expect, test } from "vitest";
import { encodePieces } from "../../src/spec/encode-pieces.js";

const LONG = 32 * 1024;

test("pieces of any length and script are the bytes of the whole text", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 5 }),
    fc.constantFrom("a".repeat(LONG - 1), "b".repeat(LONG), `${"c".repeat(LONG)}ä`, "\ud83d", "\ude00"),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      expect(Buffer.from(encodePieces(pieces)).equals(Buffer.from(pieces.join("")))).toBe(true);
    }),
    { numRuns: 300 },
  );
});
