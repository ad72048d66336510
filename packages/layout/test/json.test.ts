import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson, readJson } from "../src/index.js";
import { MAX_JSON_DEPTH } from "../src/spec/json.js";
import { errorOf, text } from "./helpers.js";

const read = (value: string): ReturnType<typeof readJson> => readJson(text(value), "doc");
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const kinds = (value: string): string[] => read(value).quirks.map((q) => q.kind);

test("whatever JSON.stringify writes is read back, and nothing about it is odd", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary", maxDepth: 6 }), fc.constantFrom(0, 1, "\t"), (value, indent) => {
      const source = JSON.stringify(value, null, indent);
      const { text: kept, value: found, quirks } = read(source);
      expect(found).toEqual(JSON.parse(source));
      expect(kept).toBe(source);
      expect(quirks).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

describe("broken documents", () => {
  test.each([
    "",
    " \n",
    "{",
    '{"a":1',
    '{"a":',
    '{"a',
    '"',
    '"\\',
    "[1,",
    "{]",
    "]",
    "}",
    "[}",
    "{'a':1}",
    "nul",
    '{"a":1,}',
    "[1 2]",
    "1 2",
    "\0",
  ])("%j is DOCUMENT_INVALID and names the document", async (source) => {
    const error = await errorOf(() => read(source));
    expect(error).toMatchObject({ code: "DOCUMENT_INVALID", details: { document: "doc", path: "$" } });
    expect(error.message).toMatch(/^doc /);
  });

  test("an empty document is called empty", async () => expect((await errorOf(() => read(""))).message).toBe("doc is empty"));

  test("a byte order mark is refused, as Go refuses it", async () => {
    expect((await errorOf(() => read("\ufeff{}"))).message).toContain("byte order mark");
  });

  test("nesting of 100,000 levels is LIMIT_EXCEEDED and no stack overflow", async () => {
    for (const source of [
      "[".repeat(100_000),
      '{"a":'.repeat(100_000),
      "[".repeat(100_000) + "]".repeat(100_000),
      '[{"a":'.repeat(50_000),
    ]) {
      expect((await errorOf(() => read(source))).code).toBe("LIMIT_EXCEEDED");
    }
  });

  test("the limit of nesting is exact", async () => {
    expect(read(nested(MAX_JSON_DEPTH)).quirks).toEqual([]);
    expect((await errorOf(() => read(nested(MAX_JSON_DEPTH + 1)))).code).toBe("LIMIT_EXCEEDED");
  });

  test("never anything but a typed error, on any bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", ":", "a", "1", " ", "\\u0061", "\u{1f600}"), { maxLength: 20 }),
        (parts) => {
          let oracle: unknown;
          const source = parts.join("");
          try {
            oracle = { value: JSON.parse(source) };
          } catch {
            oracle = undefined;
          }
          try {
            const { value, quirks } = read(source);
            if (oracle !== undefined) expect({ value }).toEqual(oracle);
            else expect(quirks.map((q) => q.kind)).toContain("trailing-bytes");
          } catch (error) {
            expect(error).toMatchObject({ code: "DOCUMENT_INVALID" });
            expect(oracle).toBeUndefined();
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe("duplicate keys", () => {
  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"subject":1,"\\u0073ubject":2}',
    '{"x":{"a":1,"a":2}}',
    '[1,{"x":[{"a":1,"b":[],"a":2}]}]',
    '{"a":[1,2],"a":{}}',
    '{"a":"{","a":"}"}',
    '{"":1,"":2}',
    '{"a\\"":1,"a\\u0022":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"\\ud800":1,"\\ud801":2}',
  ])("%s is reported, because tools differ on which one counts", (source) => expect(kinds(source)).toEqual(["duplicate-key"]));

  test.each(['{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"a"}', '{"a":["a","a"]}', '{"A":1,"a":2}', '{"a\\\\":1,"a":2}'])(
    "%s has none",
    (source) => expect(kinds(source)).toEqual([]),
  );

  test("names the key as it reads, not as it is written", () => {
    expect(read('{"a":1,"\\u0061":2}').quirks[0]?.message).toContain('"a"');
  });
});

describe("what Go passes over in silence", () => {
  test.each(["{}x", "{}{}", "[]]", '{"a":1}\0', '""x', "{} \ufeff"])("bytes behind the first value of %j", (source) => {
    expect(kinds(source)).toEqual(["trailing-bytes"]);
  });

  test("space behind the value is nothing", () => expect(kinds(' {"a":1} \t\r\n')).toEqual([]));

  test("bytes that are not UTF-8 become U+FFFD and are reported", () => {
    const { value, quirks } = readJson(Uint8Array.of(0x22, 0xff, 0x22), "doc");
    expect(value).toBe("\ufffd");
    expect(quirks.map((q) => q.kind)).toEqual(["invalid-utf8"]);
  });

  test.each(['{"a":1,"a":2}', "{}x"])("parseJson refuses %s", async (source) => {
    expect((await errorOf(() => parseJson(text(source), "doc"))).code).toBe("DOCUMENT_INVALID");
  });
});

describe("the short way for documents without spaces and escapes", () => {
  /** Text of a value, in which a key may stand twice and numbers have any form. */
  const { text: anyText } = fc.letrec<{ text: string }>((tie) => ({
    text: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(
        "0",
        "-0",
        "1",
        "-7",
        "100",
        "1e2",
        "1E2",
        "12e2",
        "1200",
        "239.0",
        "2.5",
        "1e400",
        "9007199254740993",
        "true",
        "false",
      ),
      fc.constantFrom('""', '"a"', '"1e2"', '":"', '"\u2028"', '"\\u0061"', "null", "[]", "{}"),
      fc.array(tie("text"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
      fc
        .array(fc.tuple(fc.constantFrom("a", "b", "size", "schemaVersion", "config", "layers", "__proto__", "1"), tie("text")), {
          maxLength: 4,
        })
        .map((members) => `{${members.map(([key, value]) => `"${key}":${value}`).join(",")}}`),
    ),
  }));

  test("finds what the long way finds", () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom("", " ", "\n", ",", "}"), (source, end) => {
        // A space before the value is no quirk, and takes the long way.
        expect(seen(source + end)).toEqual(seen(` ${source}${end}`));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    '{"size":1e2,"a":1,"a":1}',
    '{"schemaVersion":1e2}',
    '{"schemaVersion":2.0}',
    '{"a":1,"a":1}',
    '{"a":[{"b":1,"b":2}]}',
    '{"a":1}x',
    '{"__proto__":1,"__proto__":2}',
  ])("%s has the same quirks in either way", (source) => {
    expect(seen(source)).toEqual(seen(` ${source}`));
    expect(read(source).quirks).toHaveLength(1);
  });

  function seen(source: string): unknown {
    try {
      const { value, quirks } = read(source);
      return { value: JSON.stringify(value), kinds: quirks.map((q) => q.message) };
    } catch (error) {
      return (error as { code?: string }).code;
    }
  }
});
