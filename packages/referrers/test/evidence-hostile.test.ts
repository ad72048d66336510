import { type Descriptor, type Digest, IMAGE_CONFIG, type Manifest, digestOf, parseManifest } from "@ocilot/layout";
import { MAX_SUBJECTS, type Statement, classifyManifest, documentName, openStatements } from "@ocilot/referrers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CountingBlobs } from "./statements.js";

const DSSE = "application/vnd.dsse.envelope.v1+json";
const IN_TOTO = "application/vnd.in-toto+json";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SUBJECT = digestOf(new TextEncoder().encode("the subject"));

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const envelope = (payload: string, payloadType = IN_TOTO): string =>
  JSON.stringify({ payloadType, payload: base64(payload), signatures: [] });
const statement = (members: object): string => JSON.stringify({ _type: "https://in-toto.io/Statement/v1", ...members });

interface Blob {
  readonly content: string | Uint8Array;
  readonly mediaType: string;
  readonly annotations?: Record<string, string>;
  /** What the descriptor says, if not the truth. */
  readonly size?: number;
}

function manifestOf(layers: readonly Blob[], artifactType?: string): { manifest: Manifest; blobs: CountingBlobs } {
  const blobs = new Map<Digest, Uint8Array>();
  const descriptors = layers.map(({ content, mediaType, annotations, size }): Descriptor => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    blobs.set(digestOf(bytes), bytes);
    return { mediaType, digest: digestOf(bytes), size: size ?? bytes.length, ...(annotations && { annotations }) };
  });
  const config = { mediaType: IMAGE_CONFIG, digest: SUBJECT, size: 2 };
  const json = { schemaVersion: 2, config, layers: descriptors, ...(artifactType !== undefined && { artifactType }) };
  return {
    manifest: parseManifest(new TextEncoder().encode(JSON.stringify(json)), "application/vnd.oci.image.manifest.v1+json", "x"),
    blobs: new CountingBlobs(blobs),
  };
}

async function open(
  content: string | Uint8Array,
  mediaType: string,
  more: Partial<Blob> & { artifactType?: string } = {},
): Promise<Statement> {
  const { manifest, blobs } = manifestOf([{ content, mediaType, ...more }], more.artifactType);
  const statements = await openStatements(manifest, blobs, { subject: SUBJECT });
  expect(statements).toHaveLength(1);
  return statements[0]!;
}

const codes = (s: Statement): string[] => s.notes.map((n) => n.code);

describe("statements from somebody who means harm", () => {
  it("names a hundred thousand subjects: the first are kept, all are counted and compared", async () => {
    const subject = Array.from({ length: 100_000 }, (_, i) => ({ digest: { sha256: i.toString(16).padStart(64, "0") } }));
    const text = (last: object[]): string =>
      statement({ predicateType: "https://slsa.dev/provenance/v1", subject: [...subject, ...last], predicate: {} });
    const other = await open(text([]), IN_TOTO);
    expect(other).toMatchObject({ kind: "provenance", subjectCount: 100_000 });
    expect(other.subjects).toHaveLength(MAX_SUBJECTS);
    expect(codes(other)).toEqual(["SUBJECT_DIFFERS", "SUBJECTS_LEFT_OUT"]);
    const right = await open(text([{ digest: { sha256: SUBJECT.slice(7) } }]), IN_TOTO);
    expect(codes(right)).toEqual(["SUBJECTS_LEFT_OUT"]);
  });

  it("names another digest than it is attached to", async () => {
    const other = digestOf(new TextEncoder().encode("another"));
    const s = await open(
      envelope(statement({ predicateType: "https://spdx.dev/Document", subject: [{ digest: { sha256: other.slice(7) } }], predicate: {} })),
      DSSE,
    );
    expect(s).toMatchObject({
      kind: "sbom",
      subjects: [other],
      notes: [{ code: "SUBJECT_DIFFERS", message: `it names ${other}, not ${SUBJECT}` }],
    });
  });

  it("names only digests of other algorithms, or nothing that is one: that is no difference", async () => {
    for (const digest of [
      { gitCommit: "abc" },
      { sha512: "0".repeat(128) },
      { sha256: "short" },
      { sha256: 5 },
      "x",
      null,
      { __proto__: "x" },
    ]) {
      const s = await open(statement({ predicateType: "https://example.com/x", subject: [{ digest }], predicate: {} }), IN_TOTO);
      expect(codes(s)).toEqual([]);
      expect(s.subjectCount).toBe(1);
    }
  });

  it.each([
    ["a payload that is not base64", JSON.stringify({ payloadType: IN_TOTO, payload: "!!!", signatures: [] }), DSSE],
    ["a payload that is not UTF-8", JSON.stringify({ payloadType: IN_TOTO, payload: Buffer.from([0x7b, 0xff]).toString("base64") }), DSSE],
    ["a payload that is no statement", envelope("[]"), DSSE],
    ["a payload that is cut off", envelope('{"_type":"https://in-toto.io/Statement/v1","predicateType":"x"'), DSSE],
    ["a statement without a type", statement({ predicate: {} }), IN_TOTO],
    ["a type that is no string", statement({ predicateType: { toString: 1 } }), IN_TOTO],
    ["a member that stands twice", envelope('{"_type":"https://in-toto.io/Statement/v1","predicateType":"a","predicateType":"b"}'), DSSE],
    ["a payload that stands twice", `{"payloadType":"${IN_TOTO}","payload":"e30=","payload":"e30="}`, DSSE],
    ["nothing at all", "", DSSE],
    ["no JSON", "\u0000\u0001", IN_TOTO],
    ["a bundle of nothing", `{"mediaType":"${BUNDLE}"}`, BUNDLE],
    ["a bundle that is cut off", `{"mediaType":"${BUNDLE}","dsseEnvelope":{"payload":`, BUNDLE],
    ["a signature payload of nothing", '{"critical":{"identity":{},"image":{}}}', "application/vnd.dev.cosign.simplesigning.v1+json"],
    ["a JWS of nothing", '{"payload":"","protected":"","signature":""}', "application/jose+json"],
    ["a COSE of nothing", "x", "application/cose"],
  ])("%s is malformed, and is said to be", async (_, content, mediaType) => {
    const artifactType = mediaType.includes("jose") || mediaType.includes("cose") ? "application/vnd.cncf.notary.signature" : undefined;
    const s = await open(content, mediaType, artifactType === undefined ? {} : { artifactType });
    expect(codes(s)).toEqual(["MALFORMED"]);
    expect(["attestation", "signature"]).toContain(s.kind);
  });

  it("envelopes in envelopes in envelopes are not opened", async () => {
    let inner = statement({ predicateType: "https://slsa.dev/provenance/v1", predicate: {} });
    for (let i = 0; i < 5; i++) inner = envelope(inner, i === 0 ? IN_TOTO : DSSE);
    expect(await open(inner, DSSE)).toMatchObject({ kind: "attestation", format: "dsse", steps: ["dsse"], notes: [{ code: "NESTED" }] });
  });

  it("a 200 MB SBOM is classified by its first bytes, and an envelope of that size is not read", async () => {
    const size = 200 * 1024 * 1024;
    const huge = new Uint8Array(size).fill(0x20);
    huge.set(new TextEncoder().encode('{"spdxVersion":"SPDX-2.3","packages":['));
    const digest = digestOf(new TextEncoder().encode("not hashed here"));
    const blobs = new CountingBlobs(new Map([[digest, huge]]));
    const of = (mediaType: string, artifactType: string): Manifest => ({
      kind: "image",
      mediaType: "x",
      artifactType,
      annotations: {},
      layers: [{ mediaType, digest, size }],
      manifests: [],
      ignored: [],
    });
    expect(await openStatements(of("application/octet-stream", "application/spdx+json"), blobs)).toMatchObject([
      { kind: "sbom", format: "spdx", version: "2.3", notes: [] },
    ]);
    expect(blobs.read).toBeLessThanOrEqual(1024 * 1024);
    blobs.read = 0;
    for (const type of [DSSE, IN_TOTO, BUNDLE, "application/vnd.dev.cosign.simplesigning.v1+json"])
      expect(await openStatements(of(type, type), blobs)).toMatchObject([{ notes: [{ code: "TOO_LARGE" }] }]);
    expect(blobs.read).toBe(0);
  });

  it("thousands of layers that are one large blob: it is read once", async () => {
    const content = envelope(statement({ predicateType: "https://example.com/x", predicate: { text: "x".repeat(1_000_000) } }));
    const { manifest, blobs } = manifestOf([{ content, mediaType: DSSE }]);
    const layers = Array.from({ length: 5000 }, () => manifest.layers[0]!);
    expect(await openStatements({ ...manifest, layers }, blobs)).toHaveLength(5000);
    expect(blobs.read).toBe(content.length);
  });

  it("members called __proto__ and constructor change nothing for anybody", async () => {
    const text = `{"__proto__":{"kind":"signature"},"constructor":{"prototype":{"polluted":1}},"_type":"https://in-toto.io/Statement/v1","predicateType":"__proto__","subject":[{"digest":{"__proto__":"x"}}],"predicate":{"__proto__":{"polluted":1}}}`;
    expect(await open(envelope(text), DSSE)).toMatchObject({ kind: "attestation", predicateType: "__proto__", notes: [] });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    const { manifest } = manifestOf([{ content: "x", mediaType: "__proto__", annotations: { constructor: "x" } }], "constructor");
    expect(classifyManifest(manifest)).toMatchObject([{ kind: "other" }]);
  });

  it("nesting of a million levels in a predicate is passed over", async () => {
    const deep = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;
    const text = `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://spdx.dev/Document","predicate":${deep}}`;
    expect(await open(envelope(text), DSSE)).toMatchObject({ kind: "sbom", format: "spdx", notes: [] });
    expect(await open(envelope(text.slice(0, -1_000_000)), DSSE)).toMatchObject({ notes: [{ code: "MALFORMED" }] });
  });

  it("annotations that lie about the predicate are corrected by the content", async () => {
    const s = await open(statement({ predicateType: "https://example.com/x", predicate: {} }), IN_TOTO, {
      annotations: { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" },
    });
    expect(s).toMatchObject({ predicateType: "https://example.com/x", notes: [{ code: "FORMAT_DIFFERS" }] });
    expect(s.kind).toBe("attestation");
  });

  it("a name is always a safe base name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), fc.boolean(), (platform, format, raw) => {
        const name = documentName(
          { wrapping: "layer", kind: "sbom", format: format as "spdx", subjects: [], subjectCount: 0, steps: [], notes: [] },
          { platform, raw },
        );
        expect(name).toMatch(/^sbom(\.[A-Za-z0-9_-][A-Za-z0-9._-]*)?$/);
        expect(name).not.toContain("..");
      }),
    );
  });
});
