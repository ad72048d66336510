import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Statement } from "@ocilot/referrers";
import { FIXTURES, fixtureLayout } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { openAll, textOf } from "./statements.js";

/** What each real tool's form has to give: wrapping, kind, format, version, the steps to the document. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "evidence/cosign-2": [
    "cosign-attestation attestation in-toto - dsse>in-toto>data",
    "cosign-attestation provenance slsa-provenance v1 dsse>in-toto",
    "cosign-attestation sbom cyclonedx 1.6 dsse>in-toto",
    "cosign-attestation sbom spdx 2.3 dsse>in-toto",
    "cosign-attestation sbom syft-json 16.0.36 dsse>in-toto",
    "cosign-attestation vex openvex v0.2.0 dsse>in-toto",
    "cosign-attestation vulnerability-report cosign-vuln v1 dsse>in-toto",
    "cosign-sbom sbom spdx 2.3 ",
    "cosign-signature signature cosign-simple-signing - ",
    "cosign-signature signature cosign-simple-signing - ",
  ],
  "evidence/cosign-3": [
    "sigstore-bundle attestation in-toto - sigstore-bundle>dsse>in-toto>data",
    "sigstore-bundle provenance slsa-provenance v1 sigstore-bundle>dsse>in-toto",
    "sigstore-bundle sbom cyclonedx 1.6 sigstore-bundle>dsse>in-toto",
    "sigstore-bundle sbom spdx 2.3 sigstore-bundle>dsse>in-toto",
    "sigstore-bundle sbom syft-json 16.0.36 sigstore-bundle>dsse>in-toto",
    "sigstore-bundle signature sigstore-bundle 0.3 sigstore-bundle>dsse>in-toto",
    "sigstore-bundle vex openvex v0.2.0 sigstore-bundle>dsse>in-toto",
    "sigstore-bundle vulnerability-report cosign-vuln v1 sigstore-bundle>dsse>in-toto",
  ],
  "evidence/notation": ["notation signature notation-cose - ", "notation signature notation-jws - "],
  "evidence/oras": [
    "layer license - - ",
    "layer sbom cyclonedx 1.6 ",
    "layer sbom spdx 2.3 ",
    "layer sbom spdx 2.3 ",
    "layer sbom syft-json 16.0.36 ",
    "layer source - - ",
    "layer vex csaf 2.0 ",
    "layer vex openvex v0.2.0 ",
    "layer vulnerability-report sarif 2.1.0 ",
  ],
  "layouts/buildkit-attestation": ["buildkit provenance slsa-provenance v1 in-toto", "buildkit provenance slsa-provenance v1 in-toto"],
  "layouts/buildkit-oci-artifact": ["buildkit provenance slsa-provenance v1 in-toto", "buildkit provenance slsa-provenance v1 in-toto"],
  "edge/buildkit-sbom-and-provenance": [
    "buildkit provenance slsa-provenance v1 in-toto",
    "buildkit provenance slsa-provenance v1 in-toto",
    "buildkit sbom spdx 2.3 in-toto",
    "buildkit sbom spdx 2.3 in-toto",
  ],
};

function line({ wrapping, kind, format = undefined, version, steps }: Statement): string {
  return `${wrapping} ${kind} ${format ?? "-"} ${version ?? "-"} ${steps.join(">")}`;
}

async function statementsOf(name: string): Promise<Statement[]> {
  return (await openAll(fixtureLayout(name))).flatMap((o) => o.statements);
}

describe.each(Object.keys(EXPECTED))("%s", (name) => {
  it("gives the statements that its tool made", async () => {
    const statements = await statementsOf(name);
    expect(statements.map(line).toSorted()).toEqual(EXPECTED[name]);
    expect(statements.flatMap((s) => s.notes)).toEqual([]);
  });

  it("is classified the same from the manifest alone, without the version", async () => {
    for (const { classifications, statements } of await openAll(fixtureLayout(name))) {
      expect(classifications.map((c) => `${c.wrapping} ${c.kind} ${c.format} ${c.predicateType}`)).toEqual(
        statements.map((s) => `${s.wrapping} ${s.kind} ${s.format} ${s.predicateType}`),
      );
    }
  });

  it("names what it is attached to, wherever it names anything", async () => {
    for (const { subject, statements } of await openAll(fixtureLayout(name)))
      for (const s of statements) if (s.subjects.length > 0) expect(s.subjects).toEqual([subject]);
  });

  it("gives every document, and the layer as it is stored", async () => {
    const layout = fixtureLayout(name);
    for (const { statements } of await openAll(layout)) {
      for (const s of statements) {
        const stored = new TextDecoder().decode(await layout.blobs.bytes(s.layer!));
        expect((await textOf(s, layout, true)).text).toBe(stored);
        const { text, name: file } = await textOf(s, layout);
        expect(file).toMatch(/^[a-z-]+(\.[a-z0-9-]+)+$/);
        if (s.steps.length === 0 || s.kind === "signature") expect(text).toBe(stored);
        else expect(() => JSON.parse(text) as unknown).not.toThrow();
      }
    }
  });
});

describe("a document inside an envelope", () => {
  it("is the same SPDX document in every wrapping", async () => {
    const layouts = ["evidence/cosign-2", "evidence/cosign-3", "evidence/oras"];
    const documents: unknown[] = [];
    for (const name of layouts) {
      for (const s of await statementsOf(name)) {
        if (s.format !== "spdx") continue;
        const { text, name: file } = await textOf(s, fixtureLayout(name));
        expect(file).toBe("sbom.spdx.json");
        documents.push(JSON.parse(text));
      }
    }
    expect(documents).toHaveLength(5);
    for (const document of documents) expect(document).toEqual(documents[0]);
  });

  it("comes out byte for byte as it stands in the signed payload", async () => {
    const layout = fixtureLayout("edge/buildkit-sbom-and-provenance");
    for (const { statements } of await openAll(layout)) {
      for (const s of statements) {
        const stored = new TextDecoder().decode(await layout.blobs.bytes(s.layer!));
        expect(stored).toContain(`"predicate":${(await textOf(s, layout)).text}}`);
      }
    }
  });
});

describe("what a signature says of its signer", () => {
  it("cosign 2: the certificate beside one signature, and nothing beside the other", async () => {
    const signatures = (await statementsOf("evidence/cosign-2")).filter((s) => s.kind === "signature");
    const certificates = signatures.map((s) => s.signer!.certificate);
    expect(certificates.filter((c) => c === undefined)).toHaveLength(1);
    expect(certificates.find((c) => c !== undefined)).toMatchObject({
      identities: ["someone@example.com"],
      oidcIssuer: "https://issuer.example.com",
      subject: "example",
      issuer: "example",
      notBefore: expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  it("cosign 3: the hint of the key", async () => {
    for (const s of await statementsOf("evidence/cosign-3"))
      expect(s.signer).toEqual({ keyHint: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/), hasLogEntry: false, hasTimestamp: false });
  });

  it("notation: the certificate and the time, in JWS as in COSE", async () => {
    for (const s of await statementsOf("evidence/notation"))
      expect(s.signer).toMatchObject({ certificate: { subject: "example" }, time: expect.stringMatching(/^20\d\d-.*Z$/) });
  });
});

it("fixtures/SHA256SUMS has the digest of each of these files", () => {
  const lines = readFileSync(join(FIXTURES, "SHA256SUMS"), "utf8")
    .split("\n")
    .filter((l) => l.includes("  evidence/"));
  expect(lines.length).toBeGreaterThan(50);
  for (const entry of lines) {
    const [digest, path] = entry.split("  ");
    expect(
      createHash("sha256")
        .update(readFileSync(join(FIXTURES, path!)))
        .digest("hex"),
      path,
    ).toBe(digest);
  }
});
