import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, EMPTY_JSON, IMAGE_CONFIG } from "@ocilot/layout";
import { type Statement } from "@ocilot/referrers";
import { FIXTURES, LayoutBuilder } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";
import { decodePem } from "../src/evidence/encoding/base64.js";
import { openAll, textOf } from "./statements.js";

const SPDX = { spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", name: "hello" };
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const IN_TOTO = "application/vnd.in-toto+json";

interface Form {
  readonly artifactType?: string;
  readonly config?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly shape?: "artifact" | "oras-artifact";
}

/** One referrer of an image with the given layers, opened. */
async function opened(
  make: (builder: LayoutBuilder, image: Descriptor) => readonly Descriptor[],
  form: Form = {},
): Promise<{ statements: readonly Statement[]; text: (s: Statement) => Promise<string>; image: Descriptor }> {
  const builder = new LayoutBuilder();
  const image = builder.image();
  const layers = make(builder, image);
  const { artifactType, config = builder.blob("{}", EMPTY_JSON), annotations, shape } = form;
  const members = shape === undefined ? { layers, config } : { blobs: layers };
  const referrer = builder.referrer(image, {
    ...(shape && { shape }),
    ...(annotations && { annotations }),
    members: { ...members, artifactType },
  });
  const layout = builder.entry(image, { tag: "v1" }).listed(referrer).layout();
  const [found] = await openAll(layout);
  return { statements: found!.statements, text: async (s) => (await textOf(s, layout)).text, image };
}

function statement(image: Descriptor, predicateType: string, predicate: unknown): unknown {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "x", digest: { sha256: image.digest.slice(7) } }],
    predicateType,
    predicate,
  };
}

function dsse(payload: unknown): unknown {
  return {
    payloadType: IN_TOTO,
    payload: Buffer.from(JSON.stringify(payload)).toString("base64"),
    signatures: [{ keyid: "the-key", sig: "AAAA" }],
  };
}

describe("forms that no tool here makes, from their sources and documents", () => {
  it("Trivy's: an image with an image's config under the media type of the SBOM", async () => {
    for (const [type, content, format] of [
      ["application/spdx+json", SPDX, "spdx"],
      ["application/vnd.cyclonedx+json", { bomFormat: "CycloneDX", specVersion: "1.6" }, "cyclonedx"],
      ["application/sarif+json", { version: "2.1.0", runs: [] }, "sarif"],
      ["application/json", { invocation: {}, scanner: { result: {} } }, "cosign-vuln"],
    ] as const) {
      const config = new LayoutBuilder().blob("{}", type);
      const { statements } = await opened((b) => [b.document(content, type)], {
        config,
        annotations: { "created-by": "trivy", "org.opencontainers.artifact.description": "SBOM" },
      });
      expect(statements).toHaveLength(1);
      expect(statements[0]).toMatchObject({ wrapping: "layer", format, notes: [] });
      expect(statements[0]!.kind).toBe(format === "spdx" || format === "cyclonedx" ? "sbom" : "vulnerability-report");
    }
  });

  it("the artifact manifests of OCI's release candidates and of ORAS", async () => {
    for (const shape of ["artifact", "oras-artifact"] as const) {
      const sbom = await opened((b) => [b.document(SPDX, "application/spdx+json")], { shape, artifactType: "application/spdx+json" });
      expect(sbom.statements).toMatchObject([{ wrapping: shape === "artifact" ? "oci-artifact" : shape, kind: "sbom", version: "2.3" }]);
      const jws = notationJws();
      const signature = await opened((b) => [b.blob(jws, "application/jose+json")], {
        shape,
        artifactType: "application/vnd.cncf.notary.signature",
      });
      expect(signature.statements).toMatchObject([
        { kind: "signature", format: "notation-jws", signer: { certificate: { subject: "ex.com" } } },
      ]);
      expect(signature.statements[0]!.notes).toMatchObject([{ code: "SUBJECT_DIFFERS" }]);
    }
  });

  it("a bare statement and an envelope as referrers, with and without the annotation", async () => {
    for (const annotations of [undefined, { "in-toto.io/predicate-type": "https://openvex.dev/ns/v0.2.0" }]) {
      for (const [mediaType, wrap] of [
        [IN_TOTO, (s: unknown): unknown => s],
        ["application/vnd.dsse.envelope.v1+json", dsse],
      ] as const) {
        const vex = { "@context": "https://openvex.dev/ns/v0.2.0", statements: [] };
        const { statements, text } = await opened(
          (b, image) => [b.document(wrap(statement(image, "https://openvex.dev/ns/v0.2.0", vex)), mediaType)],
          { artifactType: IN_TOTO, ...(annotations && { annotations }) },
        );
        expect(statements).toMatchObject([
          { wrapping: "in-toto", kind: "vex", format: "openvex", version: "v0.2.0", notes: [], subjectCount: 1 },
        ]);
        expect(JSON.parse(await text(statements[0]!))).toEqual(vex);
      }
    }
  });

  it("a signature, a bundle and an envelope under a type that says nothing are told by their content", async () => {
    const cose = fixtureBlob("evidence/notation", (bytes) => bytes[0] === 0xd2);
    const bundle = fixtureBlob(
      "evidence/cosign-3",
      (bytes) => bytes.includes('"messageSignature"') || bytes.includes("verificationMaterial"),
    );
    for (const [content, kind, format] of [
      [cose, "signature", "notation-cose"],
      [notationJws(), "signature", "notation-jws"],
      [bundle, undefined, undefined],
    ] as const) {
      const { statements } = await opened((b) => [b.blob(content, "application/octet-stream")], {
        artifactType: "application/vnd.example.thing",
      });
      expect(statements).toHaveLength(1);
      if (kind !== undefined) expect(statements[0]).toMatchObject({ kind, format, signer: { hasLogEntry: false } });
      else expect(statements[0]!.steps[0]).toBe("sigstore-bundle");
      expect(statements[0]!.notes).toMatchObject([{ code: "SUBJECT_DIFFERS" }]);
    }
  });

  it("a bundle with Fulcio's certificate, a log entry and a timestamp", async () => {
    const certificate = Buffer.from(decodePem(readFileSync(join(FIXTURES, "evidence", "leaf.crt"), "utf8"))!).toString("base64");
    for (const material of [
      { certificate: { rawBytes: certificate } },
      { x509CertificateChain: { certificates: [{ rawBytes: certificate }] } },
    ]) {
      const { statements } = await opened(
        (b, image) => [
          b.document(
            {
              mediaType: BUNDLE,
              verificationMaterial: {
                ...material,
                tlogEntries: [{ logIndex: "1", integratedTime: "1764141600" }],
                timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: "AAAA" }] },
              },
              dsseEnvelope: dsse(statement(image, "https://slsa.dev/provenance/v1", {})),
            },
            BUNDLE,
          ),
        ],
        { artifactType: BUNDLE },
      );
      expect(statements).toMatchObject([
        {
          wrapping: "sigstore-bundle",
          kind: "provenance",
          notes: [],
          signer: {
            keyHint: "the-key",
            time: "2025-11-26T07:20:00Z",
            hasLogEntry: true,
            hasTimestamp: true,
            certificate: { identities: ["someone@example.com"], oidcIssuer: "https://issuer.example.com" },
          },
        },
      ]);
    }
  });

  it("a bundle of a message: the digest that was signed is what it is about", async () => {
    const { statements, image } = await opened(
      (b, i) => [
        b.document(
          {
            mediaType: BUNDLE,
            verificationMaterial: {},
            messageSignature: {
              messageDigest: { algorithm: "SHA2_256", digest: Buffer.from(i.digest.slice(7), "hex").toString("base64") },
              signature: "AAAA",
            },
          },
          BUNDLE,
        ),
      ],
      { artifactType: BUNDLE },
    );
    expect(statements).toMatchObject([
      { kind: "signature", format: "sigstore-bundle", version: "0.3", subjects: [image.digest], notes: [] },
    ]);
  });

  it("cosign 2 with a log entry in annotations", async () => {
    const payload = (image: Descriptor): unknown => ({
      critical: { identity: {}, image: { "docker-manifest-digest": image.digest }, type: "t" },
    });
    const { statements } = await opened(
      (b, image) => [
        {
          ...b.document(payload(image), "application/vnd.dev.cosign.simplesigning.v1+json"),
          annotations: {
            "dev.cosignproject.cosign/signature": "AAAA",
            "dev.sigstore.cosign/bundle": JSON.stringify({ SignedEntryTimestamp: "", Payload: { integratedTime: 1764141600 } }),
          },
        },
      ],
      { config: new LayoutBuilder().blob("{}", IMAGE_CONFIG) },
    );
    expect(statements).toMatchObject([
      { wrapping: "cosign-signature", signer: { hasLogEntry: true, hasTimestamp: false, time: "2025-11-26T07:20:00Z" }, notes: [] },
    ]);
  });

  it("several files without types: the one that is what the artifact type says", async () => {
    const { statements, text } = await opened((b) => [b.blob("read me", "text/plain"), b.document(SPDX, "application/octet-stream")], {
      artifactType: "application/spdx+json",
    });
    expect(statements).toMatchObject([{ kind: "sbom", format: "spdx", version: "2.3" }]);
    expect(JSON.parse(await text(statements[0]!))).toEqual(SPDX);
  });

  it("a document that is attached under the type of another says so", async () => {
    const { statements } = await opened((b) => [b.document(SPDX, "application/vnd.cyclonedx+json")], {
      artifactType: "application/vnd.cyclonedx+json",
    });
    expect(statements).toMatchObject([{ kind: "sbom", format: "spdx", notes: [{ code: "FORMAT_DIFFERS" }] }]);
  });

  it("an artifact without content is what its type says, and has no document", async () => {
    const { statements, text } = await opened((b) => [b.blob("{}", EMPTY_JSON)], { artifactType: "application/vnd.example.signature" });
    expect(statements).toMatchObject([{ kind: "signature", subjects: [], notes: [] }]);
    await expect(text(statements[0]!)).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
  });

  it("an ordinary image that a record calls a referrer is nothing in particular", async () => {
    const { statements } = await opened((b) => [b.blob("x", "application/vnd.oci.image.layer.v1.tar+gzip")], {
      config: new LayoutBuilder().blob("{}", IMAGE_CONFIG),
    });
    expect(statements).toMatchObject([{ wrapping: "layer", kind: "other" }]);
  });
});

/** The JWS of notation in a fixture, which signs another image. */
function notationJws(): Uint8Array {
  return fixtureBlob("edge/notation-under-fallback-tag", (bytes) => bytes.includes('"protected"'));
}

function fixtureBlob(name: string, isWanted: (bytes: Buffer) => boolean): Uint8Array {
  const directory = join(FIXTURES, name, "blobs", "sha256");
  const found = readdirSync(directory).map((file) => readFileSync(join(directory, file)));
  return found.find(isWanted)!;
}
