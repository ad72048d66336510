import {
  type Finding,
  type StatementKind,
  checkPolicy,
  checkPolicyJson,
  joinPolicies,
  parseRequire,
  verifyLayout,
} from "@ocilot/referrers";
import { type Layout } from "@ocilot/layout";
import { LayoutBuilder, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";

const IN_TOTO = "application/vnd.in-toto+json";
const SLSA = "https://slsa.dev/provenance/v1";

async function check(layout: Layout, ...rules: string[]): Promise<readonly Finding[]> {
  const { evidence } = await verifyLayout(layout);
  return await checkPolicy(evidence!, joinPolicies(rules.map(parseRequire)), layout.location);
}

const met = async (layout: Layout, rule: string): Promise<boolean> => (await check(layout, rule)).length === 0;

describe("--require KIND, whichever way it is wrapped", () => {
  const EVERYTHING: StatementKind[] = ["signature", "sbom", "provenance", "vex", "vulnerability-report", "attestation"];

  it.each(["evidence/cosign-2", "evidence/cosign-3"])("%s has all that cosign attested, and no license", async (name) => {
    for (const kind of EVERYTHING) expect(await met(fixtureLayout(name), kind), kind).toBe(true);
    expect(await met(fixtureLayout(name), "license")).toBe(false);
  });

  it("evidence/oras and evidence/notation: what was attached, and nothing else", async () => {
    for (const kind of ["sbom", "vex", "vulnerability-report", "license", "source"])
      expect(await met(fixtureLayout("evidence/oras"), kind), kind).toBe(true);
    for (const kind of ["signature", "provenance"]) expect(await met(fixtureLayout("evidence/oras"), kind), kind).toBe(false);
    expect(await met(fixtureLayout("evidence/notation"), "signature;min=2")).toBe(true);
    expect(await met(fixtureLayout("evidence/notation"), "signature;format=notation-cose")).toBe(true);
    expect(await met(fixtureLayout("evidence/notation"), "signature;format=notation-cose;min=2")).toBe(false);
  });

  it("BuildKit describes each platform: enough unless the image itself is asked for", async () => {
    for (const name of ["layouts/buildkit-attestation", "layouts/buildkit-oci-artifact", "edge/buildkit-sbom-and-provenance"]) {
      const layout = fixtureLayout(name);
      expect(await met(layout, "provenance"), name).toBe(true);
      expect(await met(layout, "provenance;scope=platform")).toBe(true);
      expect(await met(layout, `provenance;min=1;predicate-type=https://slsa.dev/*`)).toBe(true);
      expect(await met(layout, `provenance;predicate-type=https://slsa.dev/provenance/v0.2`)).toBe(false);
      expect(await met(layout, "provenance;scope=all")).toBe(false);
      expect(await met(layout, "sbom")).toBe(name.includes("sbom"));
    }
  });

  it("what is attached to the image counts for each of its platforms, and with scope=platform it does not", async () => {
    const b = new LayoutBuilder();
    const index = b.imageIndex([{ ...b.image(), platform: { os: "linux", architecture: "amd64" } }]);
    b.entry(index, { tag: "v1" }).entry(b.referrer(index, { artifactType: "application/vnd.example.signature" }));
    expect(await met(b.layout(), "signature")).toBe(true);
    expect(await met(b.layout(), "signature;scope=image")).toBe(true);
    expect((await check(b.layout(), "signature;scope=platform")).map((f) => [f.code, f.path])).toEqual([
      ["REQUIREMENT_REFERRER", "v1 → linux/amd64"],
    ]);
  });

  it("several statements in one manifest count each", async () => {
    expect(await met(fixtureLayout("evidence/cosign-2"), "signature;min=2")).toBe(true);
    expect(await met(fixtureLayout("evidence/cosign-2"), "signature;min=3")).toBe(false);
    expect(await met(fixtureLayout("evidence/cosign-2"), "sbom;min=4")).toBe(true);
  });

  it("a statement about another manifest does not count, nor one that cannot be read; it is told why", async () => {
    const b = new LayoutBuilder();
    const [image, other] = [b.image(), b.image()];
    const of = (digest: string): string =>
      JSON.stringify({
        _type: "https://in-toto.io/Statement/v1",
        predicateType: SLSA,
        subject: [{ digest: { sha256: digest } }],
        predicate: {},
      });
    const attach = (content: string): void =>
      void b.listed(
        b.referrer(image, {
          artifactType: IN_TOTO,
          annotations: { "in-toto.io/predicate-type": SLSA },
          members: { layers: [b.blob(content, IN_TOTO)] },
        }),
      );
    b.entry(image, { tag: "v1" });
    attach(of(other.digest.slice(7)));
    const [found] = await check(b.layout(), "provenance");
    expect(found!.message).toMatch(/lacks a provenance; one that is present does not count: it names sha256:/);
    attach("not a statement");
    expect(await met(b.layout(), "provenance")).toBe(false);
    attach(of(image.digest.slice(7)));
    expect(await met(b.layout(), "provenance")).toBe(true);
    expect(await met(b.layout(), "provenance;min=2")).toBe(false);
  });

  it("says what is there instead", async () => {
    const [found] = await check(fixtureLayout("evidence/notation"), "sbom;format=spdx");
    expect(found!.message).toMatch(/^sha256:cc14ed44.* lacks an SBOM in the format spdx; it has: signature$/);
    const [other] = await check(fixtureLayout("layouts/buildkit-attestation"), "provenance;predicate-type=https://example.com/*;min=2");
    expect(other!.message).toMatch(
      /lacks 2 provenances with the predicate type https:\/\/example\.com\/\*; it has: https:\/\/slsa\.dev\/provenance\/v1$/,
    );
  });
});

describe("reading rules", () => {
  it.each([
    ["sbom", { kind: "sbom", scope: "any", min: 1, annotations: {} }],
    ["signature;scope=all", { kind: "signature", scope: "all", min: 1, annotations: {} }],
    ["application/*signature*", { artifactType: "application/*signature*", scope: "all", min: 1, annotations: {} }],
    [
      "provenance;min=2;predicate-type=https://slsa.dev/*;annotation=a=b=c;format=slsa-provenance",
      {
        kind: "provenance",
        format: "slsa-provenance",
        predicateType: "https://slsa.dev/*",
        scope: "any",
        min: 2,
        annotations: { a: "b=c" },
      },
    ],
    [
      "application/vnd.in-toto+json;predicate-type=*vex*",
      { artifactType: IN_TOTO, predicateType: "*vex*", scope: "all", min: 1, annotations: {} },
    ],
  ])("%s", (text, rule) => {
    expect(parseRequire(text).require).toEqual([rule]);
  });

  it.each(["sboms", "SBOM", "sbom;format=word", "sbom;predicate-type=", "sbom;scope=none", "sbom;min=0"])("%s is refused", (text) => {
    expect(() => parseRequire(text)).toThrow(/--require/);
  });

  it("a policy file says the same, and refuses what is no kind", () => {
    const policy = checkPolicyJson({
      version: 1,
      require: [
        { kind: "sbom" },
        { kind: "provenance", predicateType: "https://slsa.dev/*", min: 2 },
        { artifactType: "a/b" },
        { predicateType: "x" },
      ],
    });
    expect(policy.require.map((r) => r.scope)).toEqual(["any", "any", "all", "all"]);
    for (const rule of [{}, { kind: "sboms" }, { kind: 1 }, { kind: "sbom", format: "word" }, { predicateType: "" }, { format: "spdx" }])
      expect(() => checkPolicyJson({ version: 1, require: [rule] }), JSON.stringify(rule)).toThrow(/\$\.require\[0\]/);
  });
});
