import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { FIXTURES, fixtureLayout } from "@ocilot/testkit";
import { classOfMediaType, classOfPredicate, guessContent } from "@ocilot/referrers";
import { describe, expect, it } from "vitest";
import { openAll } from "./statements.js";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** Documents of each format in the least form that is still one, and what they are. */
const DOCUMENTS: readonly (readonly [
  name: string,
  content: unknown,
  kind: string,
  format: string,
  version: string | undefined,
  mediaType: string | undefined,
])[] = [
  ["SPDX 2", { spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT" }, "sbom", "spdx", "2.3", "application/spdx+json"],
  ["SPDX 2 whose version stands last", { SPDXID: "SPDXRef-DOCUMENT", files: [] }, "sbom", "spdx", undefined, "application/spdx+json"],
  [
    "SPDX 3",
    { "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [] },
    "sbom",
    "spdx",
    "3.0.1",
    "application/spdx+json",
  ],
  ["SPDX tag-value", "# by hand\nSPDXVersion: SPDX-2.2\nDataLicense: CC0-1.0\n", "sbom", "spdx", "2.2", "text/spdx"],
  ["CycloneDX", { bomFormat: "CycloneDX", specVersion: "1.6" }, "sbom", "cyclonedx", "1.6", "application/vnd.cyclonedx+json"],
  [
    "CycloneDX XML",
    '<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1"/>',
    "sbom",
    "cyclonedx",
    "1.5",
    "application/vnd.cyclonedx+xml",
  ],
  [
    "CycloneDX XML with a prefix",
    '<c:bom a="b" xmlns:c="http://cyclonedx.org/schema/bom/1.4">',
    "sbom",
    "cyclonedx",
    "1.4",
    "application/vnd.cyclonedx+xml",
  ],
  [
    "Syft",
    { artifacts: [], schema: { version: "16.0.36", url: "https://raw.githubusercontent.com/anchore/syft/main/x.json" } },
    "sbom",
    "syft-json",
    "16.0.36",
    "application/vnd.syft+json",
  ],
  [
    "SLSA provenance",
    { _type: "https://in-toto.io/Statement/v1", predicateType: "https://slsa.dev/provenance/v1" },
    "provenance",
    "slsa-provenance",
    "v1",
    "application/vnd.in-toto+json",
  ],
  [
    "an in-toto statement of another type",
    { _type: "https://in-toto.io/Statement/v0.1", predicateType: "https://example.com/x/v2" },
    "attestation",
    "in-toto",
    undefined,
    "application/vnd.in-toto+json",
  ],
  ["OpenVEX", { "@context": "https://openvex.dev/ns/v0.2.0", statements: [] }, "vex", "openvex", "v0.2.0", "application/vnd.openvex+json"],
  ["CSAF", { document: { category: "csaf_vex", csaf_version: "2.0" } }, "vex", "csaf", "2.0", "application/csaf+json"],
  [
    "SARIF",
    { $schema: "https://json.schemastore.org/sarif-2.1.0.json", version: "2.1.0", runs: [] },
    "vulnerability-report",
    "sarif",
    "2.1.0",
    "application/sarif+json",
  ],
  ["SARIF without a schema", { version: "2.1.0", runs: [] }, "vulnerability-report", "sarif", "2.1.0", "application/sarif+json"],
  [
    "DSSE",
    { payloadType: "application/vnd.in-toto+json", payload: "e30=", signatures: [] },
    "attestation",
    "dsse",
    undefined,
    "application/vnd.dsse.envelope.v1+json",
  ],
  [
    "a sigstore bundle",
    { mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" },
    "signature",
    "sigstore-bundle",
    "0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
  ],
  [
    "an older sigstore bundle",
    { mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1" },
    "signature",
    "sigstore-bundle",
    "0.1",
    "application/vnd.dev.sigstore.bundle.v0.1+json",
  ],
  [
    "a cosign payload",
    { critical: { identity: {}, image: { "docker-manifest-digest": "x" }, type: "t" }, optional: null },
    "signature",
    "cosign-simple-signing",
    undefined,
    "application/vnd.dev.cosign.simplesigning.v1+json",
  ],
  [
    "a notation signature",
    { payload: "", protected: "", header: {}, signature: "" },
    "signature",
    "notation-jws",
    undefined,
    "application/jose+json",
  ],
  [
    "a cosign vulnerability report",
    { invocation: {}, scanner: { uri: "", result: {} }, metadata: {} },
    "vulnerability-report",
    "cosign-vuln",
    undefined,
    undefined,
  ],
  [
    "a Trivy report",
    { SchemaVersion: 2, ArtifactName: "x", ArtifactType: "container_image", Results: [] },
    "vulnerability-report",
    "trivy-json",
    undefined,
    undefined,
  ],
];

describe("what a document is by its content", () => {
  it.each(DOCUMENTS)("%s", (_, content, kind, format, version, mediaType) => {
    const found = guessContent(encode(content));
    expect([found?.kind, found?.format, found?.version, found?.mediaType]).toEqual([kind, format, version, mediaType]);
    // The type that it is attached under says the same.
    if (mediaType !== undefined && format !== "slsa-provenance") expect(classOfMediaType(mediaType)).toMatchObject({ kind, format });
  });

  it.each(DOCUMENTS)("%s: the same with spaces, in another order and with more members", (_, content, kind, format) => {
    if (typeof content === "string") return;
    const changed = Object.fromEntries([["x", [1, { y: "}" }]], ...Object.entries(content as object).toReversed()]);
    expect(guessContent(encode(`\n${JSON.stringify(changed, null, 4)}\n`))).toMatchObject({ kind, format });
  });

  it("Syft is told by its first artifact where its schema is beyond what was read", () => {
    const text = JSON.stringify({ artifacts: [{ id: "1", name: "a", foundBy: "x", locations: [] }] }).slice(0, -2);
    expect(guessContent(encode(`${text},{"id`))).toMatchObject({ format: "syft-json", title: "Syft" });
  });

  it.each([
    "",
    "{}",
    "[]",
    "null",
    '"spdxVersion"',
    "{",
    "<xml/>",
    "hello",
    '{"spdxVersion":1}',
    '{"runs":{}}',
    '{"a":{"spdxVersion":"SPDX-2.3"}}',
  ])("%j is nothing that it knows", (text) => {
    expect(guessContent(encode(text))).toBeUndefined();
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => void guessContent(bytes)));
    const seeds = DOCUMENTS.map(([, content]) => encode(content));
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.nat(), fc.nat({ max: 255 }), (seed, at, byte) => {
        const changed = seed.slice();
        changed[at % changed.length] = byte;
        guessContent(changed.subarray(0, at % 400));
      }),
    );
  });

  it("of what the real tools wrote: the title names it", async () => {
    const titles = new Set<string>();
    for (const name of ["evidence/oras", "evidence/cosign-3", "evidence/notation"]) {
      const layout = fixtureLayout(name);
      for (const { statements } of await openAll(layout))
        for (const s of statements) titles.add(guessContent(await layout.blobs.bytes(s.layer!))?.title ?? "nothing");
    }
    expect([...titles].toSorted()).toEqual([
      "CSAF 2.0",
      "CycloneDX 1.6 (JSON)",
      "OpenVEX v0.2.0",
      "SARIF 2.1.0",
      "SPDX 2.3 (JSON)",
      "Syft 16.0.36",
      "notation signature (COSE)",
      "notation signature (JWS)",
      "nothing",
      "sigstore bundle 0.3",
    ]);
  });
});

describe("media types and predicate types", () => {
  it.each([
    ["application/vnd.example.signature", "signature", undefined],
    ["application/vnd.example.sbom.signature.v1", "signature", undefined],
    ["application/vnd.example.sbom.v1+json", "sbom", undefined],
    ["application/vnd.acme.provenance", "provenance", undefined],
    ["APPLICATION/SPDX+JSON", "sbom", "spdx"],
    ["application/vnd.cyclonedx+json; version=1.5", "sbom", "cyclonedx"],
    ["application/vnd.security.vulnerability.report; version=1.1", "vulnerability-report", undefined],
    ["application/vnd.in-toto.spdx+dsse", "sbom", undefined],
    ["application/vnd.in-toto.provenance+dsse", "provenance", undefined],
    ["application/vnd.in-toto.whatever+dsse", "attestation", undefined],
    ["application/vnd.design.v1", "other", undefined],
    ["application/vnd.resource+tar", "other", undefined],
    ["application/vnd.oci.image.layer.v1.tar+gzip", "other", undefined],
    ["application/vnd.oci.image.config.v1+json", "other", undefined],
    ["", "other", undefined],
    [`a/${"sig.".repeat(100_000)}`, "signature", undefined],
  ])("%.60s is %s", (mediaType, kind, format) => {
    const found = classOfMediaType(mediaType);
    expect([found.kind, found.format]).toEqual([kind, format]);
  });

  it.each([
    ["https://slsa.dev/provenance/v0.2", "provenance", "v0.2"],
    ["https://slsa.dev/provenance/v1", "provenance", "v1"],
    ["https://slsa.dev/provenance-of-another/v1", "provenance", "v1"],
    ["https://slsa.dev/provenances", "attestation", undefined],
    ["https://slsa.dev/verification_summary/v1", "attestation", "v1"],
    ["https://spdx.dev/Document/v2.3", "sbom", "v2.3"],
    ["https://cyclonedx.org/bom/v1.4", "sbom", "v1.4"],
    ["https://cyclonedx.org/vex", "vex", undefined],
    ["https://openvex.dev/ns/v0.2.0", "vex", "v0.2.0"],
    ["https://in-toto.io/attestation/vulns/v0.1", "vulnerability-report", "v0.1"],
    ["https://sigstore.dev/cosign/sign/v1", "signature", "v1"],
    ["https://example.com/mine", "attestation", undefined],
  ])("the predicate type %s is of a %s", (predicateType, kind, version) => {
    const found = classOfPredicate(predicateType);
    expect([found.kind, found.version]).toEqual([kind, version]);
  });
});

it("the fixture's certificate is no document", () => {
  expect(guessContent(readFileSync(join(FIXTURES, "evidence", "leaf.crt")))).toBeUndefined();
});
