import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Layout, OcilotError } from "@ocilot/layout";
import {
  type Finding,
  NO_POLICY,
  type Policy,
  TOOLS,
  checkPolicy,
  checkPolicyJson,
  joinPolicies,
  matchesGlob,
  parsePolicy,
  parseRequire,
  verifyLayout,
} from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder } from "@ocilot/testkit";

const SCHEMA = JSON.parse(readFileSync(fileURLToPath(new URL("../schema/policy.schema.json", import.meta.url)), "utf8")) as {
  properties: { tools: { items: { enum: string[] } } };
};

async function check(layout: Layout, ...rules: string[]): Promise<readonly Finding[]> {
  const { evidence } = await verifyLayout(layout);
  return await checkPolicy(evidence!, joinPolicies(rules.map(parseRequire)), layout.location);
}

const fixture = async (name: string): Promise<Layout> => await Layout.open(join(FIXTURES, name));

/** An index of two platforms; the first has an SBOM, the index has a signature. */
function twoPlatforms(): { layout: Layout; index: string } {
  const b = new LayoutBuilder();
  const [amd, arm] = [b.image(), b.image()];
  const platform = (architecture: string): object => ({ platform: { os: "linux", architecture } });
  const index = b.imageIndex([
    { ...amd, ...platform("amd64") },
    { ...arm, ...platform("arm64") },
  ]);
  b.entry(index, { tag: "v1" }).entry(b.referrer(amd, { artifactType: "application/spdx+json", annotations: { by: "us" } }));
  b.entry(b.referrer(index, { artifactType: "application/vnd.example.signature.v1" }));
  return { layout: b.layout(), index: index.digest };
}

describe("requirements", () => {
  it("REQUIREMENT_REFERRER: what is missing, and for which platform", async () => {
    const { layout } = twoPlatforms();
    const found = await check(layout, "application/spdx+json;scope=platform");
    expect(found.map((f) => [f.code, f.severity, f.path])).toEqual([["REQUIREMENT_REFERRER", "error", "v1 → linux/arm64"]]);
    expect(found[0]!.message).toMatch(/\(linux\/arm64\) lacks a referrer of type application\/spdx\+json; it has no referrer$/);
    expect((await check(layout, "application/spdx+json")).map((f) => f.path)).toEqual(["v1", "v1 → linux/arm64"]);
    expect(await check(layout, "application/*signature*;scope=image")).toEqual([]);
    expect((await check(layout, "application/*signature*;scope=image;min=2")).map((f) => f.path)).toEqual(["v1"]);
    expect((await check(layout, "application/spdx+json;annotation=by=us;scope=platform")).length).toBe(1);
    expect((await check(layout, "application/spdx+json;annotation=by=them;scope=platform")).length).toBe(2);
  });

  it("REQUIREMENT_NOTHING: an empty layout meets no requirement", async () => {
    expect((await check(await fixture("edge/manifests-null"), "application/spdx+json")).map((f) => f.code)).toEqual([
      "REQUIREMENT_NOTHING",
    ]);
  });

  it("REQUIREMENT_DANGLING: a subject that is not there", async () => {
    const b = new LayoutBuilder();
    const image = b.image();
    const layout = b.entry(b.image(), { tag: "v1" }).entry(b.referrer(image)).forget(image).layout();
    expect((await check(layout, "no-dangling")).map((f) => f.code)).toEqual(["REQUIREMENT_DANGLING"]);
    expect(await check(await fixture("layouts/oras"), "no-dangling")).toEqual([]);
  });

  it("REQUIREMENT_ALGORITHM: a digest other than sha256", async () => {
    expect((await check(await fixture("edge/sha512-subject"), "digest=sha256")).map((f) => f.code)).toContain("REQUIREMENT_ALGORITHM");
    expect(await check(await fixture("edge/sha512-subject"), "digest=sha256,sha512")).toEqual([]);
  });

  it("REQUIREMENT_TOOL: a program that would not find a referrer, or cannot open the layout", async () => {
    const oras = await fixture("layouts/oras");
    expect(await check(oras, "tool=oras,regctl-slow")).toEqual([]);
    expect((await check(oras, "tool=regctl")).map((f) => f.code)).toEqual(Array(3).fill("REQUIREMENT_TOOL"));
    const blocked = await check(await fixture("edge/wrong-subject-size"), "tool=oras");
    expect(blocked.map((f) => f.message)).toEqual([expect.stringMatching(/^oras cannot use the layout: /)]);
    expect(await check(await fixture("layouts/notation"), "tool=notation")).toEqual([]);
  });

  it("takes an image that is no index for its own platform", async () => {
    expect((await check(await fixture("layouts/umoci"), "application/spdx+json")).length).toBe(1);
  });
});

describe("parseRequire", () => {
  it.each([
    "",
    "spdx",
    "a/b;",
    "a/b;scope=some",
    "a/b;min=0",
    "a/b;annotation=x",
    "tool=",
    "tool=none",
    "digest=",
    "a b/c",
    "no-dangling;x",
  ])("refuses %j", (text) => {
    expect(() => parseRequire(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  it("joins rules: the strictest set of algorithms counts", () => {
    const joined = joinPolicies(["digest=sha256,sha512", "digest=sha256", "no-dangling", "tool=oras", "tool=oras"].map(parseRequire));
    expect(joined).toEqual({ require: [], noDangling: true, digestAlgorithms: ["sha256"], tools: ["oras"] });
    expect(joinPolicies([])).toEqual(NO_POLICY);
  });
});

describe("the policy file", () => {
  const full = {
    $schema: "policy.schema.json",
    version: 1,
    require: [{ artifactType: "application/spdx+json", scope: "platform", annotations: { a: "b" }, min: 2 }, { artifactType: "*" }],
    noDangling: true,
    digestAlgorithms: ["sha256"],
    tools: ["oras"],
  };

  it("says the same as --require", () => {
    const rules = ["application/spdx+json;scope=platform;annotation=a=b;min=2", "*", "no-dangling", "digest=sha256", "tool=oras"];
    const parsed: Policy = parsePolicy(Buffer.from(JSON.stringify(full)), "p");
    expect(parsed).toEqual(joinPolicies(rules.map(parseRequire)));
  });

  it.each([
    [{}, "$.version"],
    [[], "$"],
    [{ version: 2 }, "$.version"],
    [{ version: 1, requires: [] }, '$["requires"]'],
    [{ version: 1, require: [{ artifactType: "a/b", annotation: {} }] }, '$.require[0]["annotation"]'],
    [{ version: 1, require: [{ artifactType: "a/b", annotations: { k: 1 } }] }, '$.require[0].annotations["k"]'],
    [{ version: 1, require: [{ artifactType: "a/b" }, { artifactType: "" }] }, "$.require[1].artifactType"],
    [{ version: 1, tools: ["oras", "docker"] }, "$.tools[1]"],
    [{ version: 1, digestAlgorithms: [] }, "$.digestAlgorithms"],
  ])("refuses %j at %s", (json, path) => {
    expect(() => checkPolicyJson(json, "p")).toThrow(
      expect.objectContaining({ code: "DOCUMENT_INVALID", details: expect.objectContaining({ path }) }),
    );
  });

  it("agrees with its schema about what is a policy", () => {
    expect(SCHEMA.properties.tools.items.enum).toEqual(TOOLS.map((t) => t.id));
    const validate = new Ajv({ strict: true }).compile(SCHEMA);
    const member = fc.constantFrom("version", "require", "noDangling", "digestAlgorithms", "tools", "$schema", "other", "__proto__");
    const value = fc.oneof(
      fc.constantFrom<unknown>(1, 2, 1.5, true, null, "", "oras", "sha256", [], {}, ["oras"], ["sha256"], [""], [1], [{}]),
      fc.array(
        fc.dictionary(
          fc.constantFrom("artifactType", "annotations", "scope", "min", "more"),
          fc.constantFrom<unknown>(
            "a/*",
            "",
            "x".repeat(256),
            "💥".repeat(255),
            1,
            0,
            1000,
            1001,
            2.5,
            "all",
            "image",
            "some",
            {},
            { k: "v" },
            { k: 1 },
            [],
            null,
          ),
        ),
        { maxLength: 2 },
      ),
    );
    const policies = fc.oneof(
      fc.dictionary(member, value),
      fc.record({ version: fc.constant(1), require: value }),
      fc.tuple(member, value).map(([m, v]) => ({ ...full, [m]: v })),
    );
    fc.assert(
      fc.property(policies, (json) => {
        const plain = JSON.parse(JSON.stringify(json)) as unknown;
        let own = true;
        try {
          checkPolicyJson(plain, "p");
        } catch (error) {
          if (!(error instanceof OcilotError)) throw error;
          own = false;
        }
        expect([own, plain]).toEqual([validate(plain), plain]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("matchesGlob", () => {
  it("agrees with a regular expression", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "/"), maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (t, p) => {
        const expected = new RegExp(`^${p.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(t);
        expect(matchesGlob(t, p)).toBe(expected);
      }),
    );
  });

  it("is not slowed down by a hostile pattern, which would take a regular expression for ever", () => {
    expect(matchesGlob("a".repeat(20_000), `${"*a".repeat(100)}b`)).toBe(false);
  });
});
