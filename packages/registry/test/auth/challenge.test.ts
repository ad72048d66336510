import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseChallenges } from "../../src/auth/challenge.js";
import { covers, formatScope, joinScopes, parseScopes } from "../../src/auth/scope.js";

describe("WWW-Authenticate", () => {
  test.each<[string, readonly string[], unknown]>([
    ["Basic", ['Basic realm="x"'], [{ scheme: "basic", parameters: { realm: "x" } }]],
    ["Nexus: capitals", ['BASIC realm="Sonatype Nexus"'], [{ scheme: "basic", parameters: { realm: "Sonatype Nexus" } }]],
    ["a scheme alone", ["Negotiate"], [{ scheme: "negotiate", parameters: {} }]],
    [
      "Bearer with a scope of several actions",
      ['Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"'],
      [
        {
          scheme: "bearer",
          parameters: { realm: "https://auth.example/token", service: "registry.example", scope: "repository:a/b:pull,push" },
        },
      ],
    ],
    [
      "two in one header",
      ['Bearer realm="https://a/t", service=s, Basic realm=plain'],
      [
        { scheme: "bearer", parameters: { realm: "https://a/t", service: "s" } },
        { scheme: "basic", parameters: { realm: "plain" } },
      ],
    ],
    [
      "two in two headers",
      ["Negotiate YIIabc==", 'Basic realm="x"'],
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "x" } },
      ],
    ],
    [
      "spaces around =, names in capitals",
      ['Bearer REALM = "a" , Service="b"'],
      [{ scheme: "bearer", parameters: { realm: "a", service: "b" } }],
    ],
    ["escapes", ['Basic realm="a\\"b\\\\c"'], [{ scheme: "basic", parameters: { realm: 'a"b\\c' } }]],
    ["the first of two", ['Basic realm="a", realm="b"'], [{ scheme: "basic", parameters: { realm: "a" } }]],
    ["nothing", [""], []],
    ["no challenge at all", ['="x"'], []],
    [
      "an open quote ends it",
      ['Bearer realm="abc'],
      [
        { scheme: "bearer", parameters: {} },
        { scheme: "realm", parameters: {} },
      ],
    ],
  ])("%s", (_, values, challenges) => {
    expect(parseChallenges(values)).toEqual(challenges);
  });

  test("a parameter named __proto__ is a parameter", () => {
    const [challenge] = parseChallenges(['Basic __proto__="x"']);
    expect(Object.keys(challenge?.parameters ?? {})).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  test("written by the rules is read back", () => {
    const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/);
    const challenge = fc.record({
      scheme: token,
      parameters: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: "binary-ascii" }), { minKeys: 1, maxKeys: 4 }),
    });
    fc.assert(
      fc.property(fc.array(challenge, { minLength: 1, maxLength: 4 }), (challenges) => {
        const text = challenges
          .map(({ scheme, parameters }) => {
            const list = Object.entries(parameters).map(
              ([name, value]) => `${name}="${value.replaceAll(/[\r\n]/g, " ").replaceAll(/["\\]/g, "\\$&")}"`,
            );
            return `${scheme} ${list.join(", ")}`;
          })
          .join(", ");
        const expected = challenges.map(({ scheme, parameters }) => ({
          scheme: scheme.toLowerCase(),
          parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.replaceAll(/[\r\n]/g, " ")])),
        }));
        expect(parseChallenges([text]).map(({ scheme, parameters }) => ({ scheme, parameters: { ...parameters } }))).toEqual(expected);
      }),
    );
  });

  test("of any text is read without an error, and in no more than its own length", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "B", "=", '"', ",", " ", "\\", ";", "é") })), (values) => {
        expect(parseChallenges(values).length).toBeLessThanOrEqual(16);
      }),
    );
    expect(parseChallenges(['Bearer a="'.repeat(100_000)]).length).toBeLessThanOrEqual(16);
  });
});

describe("scopes", () => {
  test("of a challenge: several, and names with colons", () => {
    expect(parseScopes("repository:host:5000/a/b:pull,push repository:c:pull nonsense ::")).toEqual([
      { type: "repository", name: "host:5000/a/b", actions: ["pull", "push"] },
      { type: "repository", name: "c", actions: ["pull"] },
    ]);
  });

  test("are joined by what they are for, in one order", () => {
    const joined = joinScopes(parseScopes("repository:b:push repository:a:pull"), parseScopes("repository:b:pull repository:b:push"));
    expect(joined.map(formatScope)).toEqual(["repository:a:pull", "repository:b:pull,push"]);
  });

  test("cover what needs no more", () => {
    const held = parseScopes("repository:a:pull,push repository:b:*");
    expect(covers(held, parseScopes("repository:a:pull repository:b:delete"))).toBe(true);
    expect(covers(held, parseScopes("repository:a:delete"))).toBe(false);
    expect(covers(held, parseScopes("repository:c:pull"))).toBe(false);
  });
});
