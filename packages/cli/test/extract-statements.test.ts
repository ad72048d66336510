import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES, LayoutBuilder, type Outcome, run, tempDir } from "./helpers.js";

interface Written extends Outcome {
  readonly out: string;
  readonly names: readonly string[];
}

async function extract(fixture: string, ...argv: string[]): Promise<Written> {
  const out = join(tempDir(), "out");
  const outcome = await run("extract", fixture.startsWith("/") ? fixture : join(FIXTURES, fixture), "--output", out, ...argv);
  return { ...outcome, out, names: existsSync(out) ? readdirSync(out).toSorted() : [] };
}

const read = (written: Written, name = written.names[0]!): any => JSON.parse(readFileSync(join(written.out, name), "utf8"));

describe("extract --kind", () => {
  test("writes the same SPDX document out of every wrapping, named by kind and format", async () => {
    for (const name of ["cosign-2", "cosign-3"]) {
      const written = await extract(`evidence/${name}:v1`, "--kind", "sbom", "--predicate-type", "https://spdx.dev/Document");
      expect([written.code, written.stderr, written.names]).toEqual([0, "", ["sbom.spdx.json"]]);
      expect(written.stdout).toBe(`${join(written.out, "sbom.spdx.json")}\n`);
      expect(read(written)).toMatchObject({ spdxVersion: "SPDX-2.3", name: "hello" });
    }
    const plain = await extract("evidence/oras:v1", "--kind", "sbom", "--format", "spdx", "--all");
    expect(plain.names).toEqual(["sbom-.spdx.json"].map(() => expect.stringMatching(/^sbom(-[0-9a-f]{12})?\.spdx\.json$/)));
  });

  test("of several it asks which: the format, or all", async () => {
    const several = await extract("evidence/cosign-3:v1", "--kind", "sbom");
    expect([several.code, several.stderr]).toEqual([
      2,
      expect.stringMatching(/has 3 of: sbom\n {2}hint: Choose with --format, or take them all with --all: .*cyclonedx/),
    ]);
    const all = await extract("evidence/cosign-3:v1", "--kind", "sbom,vex", "--all");
    expect(all.names).toEqual(["sbom.cdx.json", "sbom.spdx.json", "sbom.syft.json", "vex.openvex.json"]);
    expect(read(all, "sbom.cdx.json")).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
  });

  test("a BuildKit SBOM: for a platform, for each of them, and never one by chance", async () => {
    const layout = "edge/buildkit-sbom-and-provenance";
    const each = await extract(layout, "--kind", "sbom", "--all-platforms");
    expect(each.names).toEqual(["sbom.linux-amd64.spdx.json", "sbom.linux-arm64.spdx.json"]);
    const one = await extract(layout, "--kind", "sbom", "--platform", "linux/arm64");
    expect(one.names).toEqual(["sbom.linux-arm64.spdx.json"]);
    expect(read(one)).toMatchObject({ spdxVersion: "SPDX-2.3" });
    const none = await extract(layout, "--kind", "sbom");
    expect([none.code, none.stderr]).toEqual([
      2,
      expect.stringContaining("Choose one with --platform, or take each with --all-platforms."),
    ]);
    const statement = await extract(layout, "--kind", "sbom", "--platform", "linux/arm64", "--raw");
    expect(statement.names).toEqual(["sbom.linux-arm64.intoto.json"]);
    expect(read(statement)).toMatchObject({ predicateType: "https://spdx.dev/Document", predicate: { spdxVersion: "SPDX-2.3" } });
  });

  test("what is attached to the image is taken for its platform where that has none", async () => {
    const { names, stderr } = await extract("layouts/cosign-tags:v1", "--kind", "signature", "--platform", "linux/amd64");
    expect(names).toEqual(["signature.cosign.json"]);
    expect(stderr).toMatch(/^ocilot: note: the signatures themselves are annotations of the layers: ocilot cat \S+@sha256:[0-9a-f]{64}\n$/);
  });

  test("a signature is written as it is stored, and --raw keeps the envelope", async () => {
    const { names } = await extract("evidence/notation:v1", "--kind", "signature", "--all");
    expect(names).toEqual(["signature.cose", "signature.jws.json"]);
    const bundle = await extract("evidence/cosign-3:v1", "--kind", "provenance", "--raw");
    expect(bundle.names).toEqual(["provenance.sigstore.json"]);
    expect(read(bundle)).toMatchObject({ mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" });
    const predicate = await extract("evidence/cosign-3:v1", "--kind", "provenance");
    expect(read(predicate)).toMatchObject({ runDetails: { builder: { id: "https://example.com/builder" } } });
  });

  test("--unwrap writes the documents of the referrer that is named", async () => {
    const { manifests } = JSON.parse(
      (await run("referrers", join(FIXTURES, "evidence/cosign-3:v1"), "--json", "--kind", "vex")).stdout,
    ) as { manifests: { digest: string }[] };
    const written = await extract(`evidence/cosign-3@${manifests[0]!.digest}`, "--unwrap");
    expect(written.names).toEqual(["vex.openvex.json"]);
    expect(read(written)).toMatchObject({ "@context": "https://openvex.dev/ns/v0.2.0" });
    expect((await extract("evidence/cosign-3:v1", "--unwrap")).code).toBe(3);
  });

  test("--json tells what each file is", async () => {
    const { stdout } = await extract("evidence/cosign-2:v1", "--kind", "vulnerability-report", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      files: [
        {
          kind: "vulnerability-report",
          format: "cosign-vuln",
          wrapping: "cosign-attestation",
          predicateType: "https://cosign.sigstore.dev/attestation/vuln/v1",
        },
      ],
    });
  });

  test("nothing of that kind: what there is instead", async () => {
    const { code, stderr, names } = await extract("evidence/notation:v1", "--kind", "sbom", "--format", "spdx");
    expect([code, names]).toEqual([3, []]);
    expect(stderr).toMatch(/has no sbom in the format spdx\n {2}hint: it has: signature\n/);
  });

  test("an envelope that cannot be opened writes nothing, and with --raw the blob; a wrong subject is told", async () => {
    const builder = new LayoutBuilder();
    const image = builder.manifest({}, builder.tagged("v1"));
    const type = "application/vnd.in-toto+json";
    const bad = builder.blob("not a statement", type);
    builder.manifest(
      { subject: image, artifactType: type, layers: [bad], annotations: { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" } },
      {},
    );
    const other = {
      _type: "https://in-toto.io/Statement/v1",
      predicateType: "https://openvex.dev/ns",
      subject: [{ digest: { sha256: "a".repeat(64) } }],
      predicate: { "@context": "https://openvex.dev/ns" },
    };
    builder.manifest({ subject: image, artifactType: type, layers: [builder.blob(JSON.stringify(other), type)] }, {});
    const dir = builder.write();
    const refused = await extract(`${dir}:v1`, "--kind", "provenance");
    expect([refused.code, refused.names, refused.stderr]).toEqual([
      4,
      [],
      expect.stringContaining("hint: --raw writes the blob as it is stored."),
    ]);
    const raw = await extract(`${dir}:v1`, "--kind", "provenance", "--raw");
    expect([raw.code, readFileSync(join(raw.out, raw.names[0]!), "utf8")]).toEqual([0, "not a statement"]);
    const vex = await extract(`${dir}:v1`, "--kind", "vex");
    expect([vex.code, vex.names, vex.stderr]).toEqual([
      0,
      ["vex.openvex.json"],
      expect.stringContaining(`it names sha256:${"a".repeat(64)}, not ${image.digest}`),
    ]);
  });
});
