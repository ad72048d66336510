import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { blobPath } from "@ocilot/layout";
import { describe, expect, test } from "vitest";
import { runCli } from "../src/cli.js";
import { type Outcome, copyOf, run, sinkOf, tempDir, treeOf } from "./helpers.js";

const SBOM = ["--artifact-type", "application/spdx+json"];

function file(name: string, content = name): string {
  const path = join(tempDir(), name);
  writeFileSync(path, content);
  return path;
}

async function runIn(env: Record<string, string>, stdin: string, ...argv: string[]): Promise<Outcome> {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const io = { stdin: Readable.from([Buffer.from(stdin)]), stdout: sinkOf(out), stderr: sinkOf(err), isTTY: false, env };
  const code = await runCli(argv, { io, signal: new AbortController().signal });
  const bytes = Buffer.concat(out);
  return { code, stdout: bytes.toString(), stderr: Buffer.concat(err).toString(), bytes };
}

function manifestOf(dir: string, digest: string): Record<string, any> {
  return JSON.parse(readFileSync(join(dir, blobPath(digest.trim() as `sha256:${string}` as never)), "utf8")) as Record<string, any>;
}

describe("attach", () => {
  test("makes a manifest as image-spec asks, prints its digest, and a second time changes nothing", async () => {
    const dir = copyOf("layouts/oras");
    const path = file("sbom.json");
    const argv = ["attach", `${dir}:v1`, `${path}:application/spdx+json`, ...SBOM, "--annotation", "a=b=c"];
    const { code, stdout, stderr } = await run(...argv);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    const manifest = manifestOf(dir, stdout);
    expect(manifest).toMatchObject({
      artifactType: "application/spdx+json",
      config: { mediaType: "application/vnd.oci.empty.v1+json", size: 2 },
      annotations: { a: "b=c" },
      layers: [{ mediaType: "application/spdx+json", annotations: { "org.opencontainers.image.title": "sbom.json" } }],
    });
    const before = readFileSync(join(dir, "index.json"), "utf8");
    expect((await run(...argv)).stdout).toBe(stdout);
    expect(readFileSync(join(dir, "index.json"), "utf8")).toBe(before);
    expect((await run(...argv.map((a) => a.replace(dir, copyOf("layouts/oras"))))).stdout).toBe(stdout);
  });

  test("takes standard input, SOURCE_DATE_EPOCH and --created", async () => {
    const dir = copyOf("layouts/oras");
    const piped = await runIn({ SOURCE_DATE_EPOCH: "1" }, "hello", "attach", `${dir}:v1`, "-:text/plain", ...SBOM);
    expect(manifestOf(dir, piped.stdout)).toMatchObject({
      layers: [{ mediaType: "text/plain", size: 5 }],
      annotations: { "org.opencontainers.image.created": "1970-01-01T00:00:01Z" },
    });
    expect(manifestOf(dir, piped.stdout)["layers"][0].annotations).toBeUndefined();
    const told = await runIn({ SOURCE_DATE_EPOCH: "1" }, "", "attach", `${dir}:v1`, ...SBOM, "--created", "2026-01-31T12:00:00+01:00");
    expect(manifestOf(dir, told.stdout)["annotations"]).toEqual({ "org.opencontainers.image.created": "2026-01-31T12:00:00+01:00" });
    expect((await runIn({ SOURCE_DATE_EPOCH: "soon" }, "", "attach", `${dir}:v1`, ...SBOM)).code).toBe(2);
  });

  test("to a platform, to a referrer, and to what is not there", async () => {
    const dir = copyOf("layouts/oras");
    const child = manifestOf(dir, (await run("attach", `${dir}:v1`, ...SBOM, "--platform", "linux/arm64")).stdout);
    expect(child["subject"].mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
    const first = (await run("attach", `${dir}:v1`, ...SBOM)).stdout.trim();
    const second = await run("attach", `${dir}@${first}`, "--artifact-type", "a/sig", "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({ subject: first, descriptor: { size: expect.any(Number) as number } });
    const absent = `${dir}@sha256:${"1".repeat(64)}`;
    const before = treeOf(dir);
    expect((await run("attach", absent, ...SBOM)).code).toBe(3);
    expect((await run("attach", absent, ...SBOM, "--allow-dangling")).code).toBe(2);
    expect(treeOf(dir)["index.json"]).toEqual(before["index.json"]);
    expect((await run("attach", absent, ...SBOM, "--allow-dangling", "--subject-size", "123")).code).toBe(0);
  });

  test("a manifest as it is, but only to its own subject", async () => {
    const dir = copyOf("layouts/oras");
    const made = (await run("attach", `${dir}:v1`, ...SBOM, "--annotation", "x=y")).stdout.trim();
    const other = copyOf("layouts/oras");
    const text = `${readFileSync(join(dir, blobPath(made as never)), "utf8")}\n`;
    const path = file("manifest.json", text);
    const { code, stdout } = await run("attach", `${other}:v1`, "--manifest", path);
    expect(code).toBe(0);
    expect(readFileSync(join(other, blobPath(stdout.trim() as never)), "utf8")).toBe(text);
    const before = treeOf(other);
    const wrong = await run("attach", `${other}@${stdout.trim()}`, "--manifest", path);
    expect(wrong.code).toBe(6);
    expect(wrong.stderr).toContain("its subject is sha256:");
    const size = (JSON.parse(text) as { subject: { size: number } }).subject.size;
    const lying = file("lying.json", text.replace(`"size":${size}`, `"size":${size + 1}`));
    expect((await run("attach", `${other}:v1`, "--manifest", lying)).code).toBe(6);
    expect((await run("attach", `${other}:v1`, "--manifest", file("not.json", "{"))).code).not.toBe(0);
    expect(Object.keys(treeOf(other))).toEqual(Object.keys(before));
    expect(treeOf(other)["index.json"]).toEqual(before["index.json"]);
  });

  test.each([
    [["x.txt"], 3, "x.txt does not exist"],
    [[], 2, "--artifact-type is required"],
    [[...SBOM, "absent.txt"], 3, "absent.txt does not exist"],
    [[...SBOM, "."], 2, ". is a directory"],
    [["--artifact-type", "no type"], 2, "is not a media type"],
    [[...SBOM, "--annotation", "novalue"], 2, "is not KEY=VALUE"],
    [[...SBOM, "--annotation", "a=1", "--annotation", "a=2"], 2, "given twice"],
    [[...SBOM, "--created", "yesterday"], 2, "RFC 3339"],
    [[...SBOM, "--platform", "linux/s390x"], 3, "It has: linux/amd64"],
    [[...SBOM, "--platform", "linux"], 2, "is not a platform"],
    [[...SBOM, "--convention", "orass"], 2, "Did you mean oras?"],
    [["--manifest", "x", "file"], 2, "--manifest and FILE exclude each other"],
    [[...SBOM, "--manifest", "x"], 2, "--manifest and --artifact-type exclude each other"],
    [["--manifest", "absent.json"], 3, "absent.json does not exist"],
    [[...SBOM, "-", "-"], 2, "only one"],
    [[...SBOM, "--wait", "x"], 2, "not a number"],
  ])("%j exits %i and changes nothing", async (more, code, says) => {
    const dir = copyOf("layouts/oras");
    const before = treeOf(dir);
    const found = await run("attach", `${dir}:v1`, ...more);
    expect(found.stderr).toContain(says);
    expect(found.code).toBe(code);
    expect(treeOf(dir)).toEqual(before);
  });

  test("in a chosen convention only", async () => {
    const dir = copyOf("layouts/skopeo");
    const tag = (JSON.parse((await run("ls", dir, "--json")).stdout) as { images?: { tag?: string }[] }).images?.[0]?.tag;
    const ref = tag === undefined ? dir : `${dir}:${tag}`;
    expect((await run("attach", ref, ...SBOM, "--convention", "olareg")).code).toBe(0);
    const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as { manifests: { annotations?: object }[] };
    expect(index.manifests.filter((m) => "org.olareg.referrer.subject" in (m.annotations ?? {}))).toHaveLength(1);
    expect(index.manifests).toHaveLength(2);
  });
});

describe("attach without --artifact-type", () => {
  const IN_TOTO = "application/vnd.in-toto+json";
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    predicateType: "https://slsa.dev/provenance/v1",
    subject: [],
    predicate: {},
  };
  const envelope = { payloadType: IN_TOTO, payload: Buffer.from(JSON.stringify(statement)).toString("base64"), signatures: [] };

  test.each([
    ["sbom.json", { spdxVersion: "SPDX-2.3" }, "application/spdx+json", "application/spdx+json", "SPDX 2.3 (JSON)"],
    [
      "bom.json",
      { bomFormat: "CycloneDX", specVersion: "1.6" },
      "application/vnd.cyclonedx+json",
      "application/vnd.cyclonedx+json",
      "CycloneDX 1.6 (JSON)",
    ],
    [
      "v.json",
      { "@context": "https://openvex.dev/ns/v0.2.0" },
      "application/vnd.openvex+json",
      "application/vnd.openvex+json",
      "OpenVEX v0.2.0",
    ],
    ["c.json", { document: { csaf_version: "2.0" } }, "application/csaf+json", "application/csaf+json", "CSAF 2.0"],
    ["s.sarif", { version: "2.1.0", runs: [] }, "application/sarif+json", "application/sarif+json", "SARIF 2.1.0"],
    ["p.json", statement, IN_TOTO, IN_TOTO, "in-toto statement v1 of https://slsa.dev/provenance/v1"],
    ["d.json", envelope, IN_TOTO, "application/vnd.dsse.envelope.v1+json", "DSSE envelope of https://slsa.dev/provenance/v1"],
  ])("%s: the content decides, and it is said", async (name, content, artifactType, layerType, title) => {
    const dir = copyOf("layouts/oras");
    const path = file(name, JSON.stringify(content));
    for (const [argv, shown] of [
      [[path], path],
      [["-"], "standard input"],
    ] as const) {
      const { code, stdout, stderr } = await runIn({}, JSON.stringify(content), "attach", `${dir}:v1`, ...argv);
      expect([code, stderr]).toEqual([0, `ocilot: note: ${shown} is ${title}: artifact type ${artifactType}\n`]);
      const manifest = manifestOf(dir, stdout);
      expect(manifest["artifactType"]).toBe(artifactType);
      expect(manifest["layers"]).toMatchObject([{ mediaType: layerType, size: Buffer.byteLength(JSON.stringify(content)) }]);
      const predicate = artifactType === IN_TOTO ? { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" } : undefined;
      expect(manifest["annotations"]).toEqual(predicate);
    }
  });

  test("a file that nobody knows needs it, and so does a format that has no type", async () => {
    const dir = copyOf("layouts/oras");
    const before = treeOf(dir);
    for (const [content, why] of [
      ["hello", "nothing tells what"],
      [JSON.stringify({ SchemaVersion: 2, ArtifactName: "a", ArtifactType: "b" }), "is a Trivy report"],
    ] as const) {
      const { code, stderr } = await run("attach", `${dir}:v1`, file("x.bin", content));
      expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
      expect(stderr).toContain("--artifact-type is required");
    }
    expect(treeOf(dir)).toEqual(before);
  });

  test("--artifact-type overrides, for the layer too, and a format that it is not is told", async () => {
    const dir = copyOf("layouts/oras");
    const path = file("bom.json", JSON.stringify({ bomFormat: "CycloneDX", specVersion: "1.6" }));
    const odd = await run("attach", `${dir}:v1`, path, ...SBOM);
    expect(odd.stderr).toContain("is CycloneDX 1.6 (JSON), and is attached as application/spdx+json");
    expect(manifestOf(dir, odd.stdout)["layers"]).toMatchObject([{ mediaType: "application/spdx+json" }]);
    const own = await run("attach", `${dir}:v1`, path, "--artifact-type", "application/vnd.example.bom");
    expect(own.stderr).toBe("");
    expect(manifestOf(dir, own.stdout)["layers"]).toMatchObject([{ mediaType: "application/vnd.cyclonedx+json" }]);
    const plain = await run("attach", `${dir}:v1`, file("a.bin"), "--artifact-type", "application/vnd.example.thing");
    expect(manifestOf(dir, plain.stdout)["layers"]).toMatchObject([{ mediaType: "application/vnd.example.thing" }]);
    const two = await run("attach", `${dir}:v1`, file("a.bin"), file("b.bin"), "--artifact-type", "application/vnd.example.thing");
    expect(manifestOf(dir, two.stdout)["layers"]).toMatchObject([
      { mediaType: "application/octet-stream" },
      { mediaType: "application/octet-stream" },
    ]);
  });

  test("a sigstore bundle gets the form of cosign 3; one for another subject is told", async () => {
    const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    const source = copyOf("evidence/cosign-3");
    const { manifests } = JSON.parse((await run("referrers", `${source}:v1`, "--json", "--kind", "signature")).stdout) as {
      manifests: { digest: string }[];
    };
    const theirs = manifestOf(source, manifests[0]!.digest);
    const bundle = readFileSync(join(source, blobPath(theirs["layers"][0].digest as never)), "utf8");
    const dir = copyOf("layouts/oras");
    const path = file("x.sigstore.json", bundle);
    const created = (theirs["annotations"] as Record<string, string>)["org.opencontainers.image.created"]!;
    const right = await run("attach", `${dir}:v1`, "--platform", "linux/amd64", path, "--created", created);
    expect(right.stdout.trim()).toBe(manifests[0]!.digest);
    expect(right.stderr).toBe(
      `ocilot: note: ${path} is sigstore bundle 0.3 of https://sigstore.dev/cosign/sign/v1: artifact type ${type}\n`,
    );
    const wrong = await run("attach", `${dir}:v1`, path);
    expect([wrong.code, wrong.stderr]).toEqual([
      0,
      expect.stringContaining("cosign will not accept the bundle for this subject: it names sha256:cc14ed44"),
    ]);
    expect((await run("verify", dir)).stdout).toContain("STATEMENT_SUBJECT");
    expect(
      manifestOf(dir, (await run("attach", `${dir}:v1`, path, "--artifact-type", "application/vnd.example")).stdout)["artifactType"],
    ).toBe("application/vnd.example");
  });
});
