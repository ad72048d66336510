import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareUtf8, goJson, sortedMembers } from "../src/index.js";

const utf8 = (value: string): Buffer => Buffer.from(value, "utf8");

describe("strings as Go's encoding/json writes them", () => {
  test.each([
    ["<>&", String.raw`"\u003c\u003e\u0026"`],
    ["\u2028\u2029", String.raw`"\u2028\u2029"`],
    ["\b\f\n\r\t", String.raw`"\b\f\n\r\t"`],
    ["\u0000\u0001\u000b\u001f", String.raw`"\u0000\u0001\u000b\u001f"`],
    ['"\\/', String.raw`"\"\\/"`],
    ["\u007f\u0080\u00a0\ufeff", '"\u007f\u0080\u00a0\ufeff"'],
    ["grüße 日本 \u{1f600}", '"grüße 日本 \u{1f600}"'],
    ["a\ud800b", '"a\ufffdb"'],
    ["\udc00\ud800", '"\ufffd\ufffd"'],
  ])("%j", (value, expected) => {
    expect(goJson(value)).toBe(expected);
    expect(goJson({ members: [[value, 1]] })).toBe(`{${expected}:1}`);
  });

  test("reads back as it was, lone surrogates apart, and holds no raw character that Go escapes", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((n) => String.fromCharCode(n)) }), (value) => {
        const written = goJson(value);
        expect(JSON.parse(written)).toBe(value.toWellFormed());
        // oxlint-disable-next-line no-control-regex -- control characters are what this is about
        expect(written).not.toMatch(/[<>&\u2028\u2029\u0000-\u001f]/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the order of keys", () => {
  test("is that of the UTF-8 bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(utf8(a), utf8(b))));
      }),
      { numRuns: 2000 },
    );
  });

  test("puts astral characters behind U+E000..U+FFFF, where UTF-16 has them before", () => {
    const keys = ["\u{10000}", "\uffff", "\ue000", "\ud7ff", "z", "\u{1f600}", "a\u{10000}", "a\uffff", "", "a"];
    const sorted = sortedMembers(Object.fromEntries(keys.map((k) => [k, "x"]))).members.map(([k]) => k);
    expect(sorted).toEqual(["", "a", "a\uffff", "a\u{10000}", "z", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}"]);
  });

  test("sorts keys that look like integers as strings", () => {
    expect(goJson(sortedMembers({ 10: "a", 9: "b", "": "c", "-1": "d", a: "e" }))).toBe('{"":"c","-1":"d","10":"a","9":"b","a":"e"}');
  });

  test("is the given one in an object that is a list of members", () => {
    expect(
      goJson({
        members: [
          ["b", 1],
          ["2", null],
          ["1", [true, false]],
        ],
      }),
    ).toBe('{"b":1,"2":null,"1":[true,false]}');
  });

  test("keys that Go cannot tell apart are written once, sorted as what is written", () => {
    expect(goJson(sortedMembers({ "\ud800": "a", "\udc00": "b", "\ufffe": "c" }))).toBe('{"\ufffd":"b","\ufffe":"c"}');
  });
});

test("empty objects and arrays have nothing between their brackets, in any style", () => {
  const style = { lead: (depth: number) => `\n${"  ".repeat(depth)}`, comma: ",", colon: ": " };
  expect(goJson([{ members: [] }, []], style)).toBe("[\n  {},\n  []\n]");
});

test("an indented document looks like Go's MarshalIndent", () => {
  const style = { lead: (depth: number) => `\n${"   ".repeat(depth)}`, comma: ",", colon: ": " };
  const value = { members: [["a", [1, { members: [["b", "c"]] }]] as const] };
  expect(goJson(value, style)).toBe(JSON.stringify({ a: [1, { b: "c" }] }, null, 3));
});
