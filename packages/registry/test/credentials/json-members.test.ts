import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { removeMember, setMember } from "../../src/credentials/json-members.js";

describe("a member of a JSON text", () => {
  test("is set, and every other byte stays", () => {
    const text =
      '{\n\t"auths": {\n\t\t"a": {\n\t\t\t"auth": "eA=="\n\t\t}\n\t},\n\t"big":   123456789012345678901234567890,\n\t"HttpHeaders": {"User-Agent":"x"}\n}';
    expect(setMember(text, ["auths", "b"], '{"auth":"eQ=="}')).toBe(
      text.replace("\n\t\t}\n\t},", '\n\t\t},\n\t\t"b": {"auth":"eQ=="}\n\t},'),
    );
    expect(setMember(text, ["auths", "a"], "1")).toBe(text.replace(/\{\n\t\t\t"auth": "eA=="\n\t\t\}/, "1"));
    expect(setMember("{}", ["auths", "h"], "1")).toBe('{\n\t"auths": {"h": 1}\n}');
  });

  test("is removed with its comma", () => {
    expect(removeMember('{"a":1, "b":2, "c":3}', ["b"])).toBe('{"a":1, "c":3}');
    expect(removeMember('{"a":1, "b":2}', ["b"])).toBe('{"a":1}');
    expect(removeMember('{ "a" : {"x":[{"a":"}"}]} }', ["a"])).toBe("{}");
    expect(removeMember('{"a":{"b":1}}', ["a", "c"])).toBe('{"a":{"b":1}}');
    expect(removeMember('{"a":[1]}', ["a", "b"])).toBe('{"a":[1]}');
  });

  const key = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom("auths", "1", "__proto__", '"', "\\", "}"));
  const tree = fc.dictionary(key, fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.dictionary(key, fc.jsonValue({ maxDepth: 1 }))), {
    noNullPrototype: true,
  });

  test("set and removed as an object would have it", () => {
    fc.assert(
      fc.property(tree, key, key, fc.constantFrom(0, 2, "\t"), (object, outer, inner, indent) => {
        const text = JSON.stringify(object, undefined, indent);
        const set = setMember(text, [outer, inner], '{"auth":"x"}');
        const parsed = JSON.parse(set) as Record<string, Record<string, unknown>>;
        expect(Object.getOwnPropertyDescriptor(parsed, outer)?.value[inner]).toEqual({ auth: "x" });
        const others = (value: object): unknown[] => Object.entries(value).filter(([name]) => name !== outer);
        expect(others(parsed)).toEqual(others(JSON.parse(text) as object));
        const removed = JSON.parse(removeMember(set, [outer, inner])) as object;
        expect(others(removed)).toEqual(others(JSON.parse(text) as object));
        expect(Object.keys((Object.getOwnPropertyDescriptor(removed, outer)?.value ?? {}) as object)).not.toContain(inner);
      }),
    );
  });
});
