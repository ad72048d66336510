import fc from "fast-check";
import { expect, test } from "vitest";
import { nextLink } from "../../src/client/link.js";

test.each<[string, readonly string[], string | undefined]>([
  ["the usual one", ['</v2/a/tags/list?n=2&last=b>; rel="next"'], "/v2/a/tags/list?n=2&last=b"],
  ["without quotes", ["</x>; rel=next"], "/x"],
  ["without a space", ["</x>;rel=next"], "/x"],
  ["in capitals", ['</x>; REL="NEXT"'], "/x"],
  ["a comma and a semicolon in the address", ['</x?a=1,2;3>; rel="next"'], "/x?a=1,2;3"],
  ["the second of two", ['</first>; rel="prev", </x>; rel="next"'], "/x"],
  ["of several relations", ['</x>; title="a, b; c"; rel="last next"'], "/x"],
  ["in a second header", ['</p>; rel="prev"', "</x>; rel=next"], "/x"],
  ["a relation that only holds the word", ['</x>; rel="nextish"'], undefined],
  ["rel in a title", ['</x>; title="; rel=next"'], undefined],
  ["none", [], undefined],
  ["no relation", ["</x>"], undefined],
  ["an open bracket", ["</x; rel=next"], undefined],
])("the next page: %s", (_, values, expected) => {
  expect(nextLink(values)).toBe(expected);
});

test("written by the rules is read back, among others", () => {
  const address = fc.stringMatching(/^\/[a-z0-9?=&,;/_.-]{0,30}$/);
  const other = fc.tuple(address, fc.constantFrom("prev", "first", "last")).map(([to, rel]) => `<${to}>; rel="${rel}"`);
  fc.assert(
    fc.property(fc.array(other, { maxLength: 3 }), address, fc.array(other, { maxLength: 3 }), (before, to, after) => {
      expect(nextLink([[...before, `<${to}>; rel="next"`, ...after].join(", ")])).toBe(to);
    }),
  );
});

test("of any text is read without an error", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("<", ">", ";", "rel", "=", '"', "next", ",", " ", "\\") }),
      (text) => void nextLink([text]),
    ),
  );
  expect(nextLink(["<".repeat(1_000_000)])).toBeUndefined();
  expect(nextLink([`<a>${"; a".repeat(1_000_000)}`])).toBeUndefined();
});
