import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES, LayoutBuilder, run } from "./helpers.js";
import { schemaErrors } from "./json-schemas.js";

const LAYOUTS = join(FIXTURES, "layouts");
const EDGES = JSON.parse(readFileSync(join(LAYOUTS, "edges.json"), "utf8")) as Record<string, Record<string, string[]>>;
const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";

const SPDX_LAYER = "sha256:b62252ac802284198c1e538656518363e4f41632fc5c08743bf410e830b8f507";

interface Response {
  schemaVersion: number;
  mediaType: string;
  manifests: (Record<string, unknown> & { digest: string; referrers?: Response["manifests"] })[];
  withoutSubject: Record<string, unknown>[];
  statements: Record<string, { kind: string; format?: string }[]>;
  platforms?: { digest: string; platform: string; referrers: Response["manifests"] }[];
}

async function answer(...argv: string[]): Promise<Response> {
  return JSON.parse((await run("referrers", "--json", ...argv)).stdout) as Response;
}

describe("referrers", () => {
  const links = Object.entries(EDGES).flatMap(([name, bySubject]) => {
    return Object.entries(bySubject).map(([subject, referrers]) => [name, subject, referrers] as const);
  });
  // What nothing lists is found by reading all blobs only.
  test.each(links.filter(([name]) => name !== "cosign-save-bundle"))(
    "%s: --json of %s is what edges.json says",
    async (name, subject, truth) => {
      const { manifests } = await answer(`${join(LAYOUTS, name)}@${subject}`);
      expect(manifests.map((m) => m.digest)).toEqual([...truth].toSorted());
    },
  );

  test("--json begins with the answer of the Referrers API, in its member order", async () => {
    const { stdout, stderr, code } = await run("referrers", join(LAYOUTS, "oras:v1"), "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
        '"digest":"sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca","size":919,"annotations":{"org.example.tool":"syft",' +
        '"org.opencontainers.image.created":"2026-11-21T07:20:27Z"},"artifactType":"application/spdx+json"}],"withoutSubject":[],' +
        '"statements":{"sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca":[{"kind":"sbom","wrapping":"layer","format":"spdx",' +
        `"layer":"${SPDX_LAYER}"}]}}\n`,
    );
  });

  test("--recursive --json nests the same shape, platforms beside it", async () => {
    const { manifests, platforms } = await answer(join(LAYOUTS, "oras:v1"), "--recursive");
    expect(manifests[0]!.referrers!.map((r) => r["artifactType"])).toEqual(["application/vnd.example.signature"]);
    expect(manifests[0]!.referrers![0]!.referrers).toEqual([]);
    expect(platforms!.map((p) => [p.platform, p.referrers.map((r) => r["artifactType"])])).toEqual([
      ["linux/amd64", ["application/vnd.cyclonedx+json"]],
    ]);
  });

  test("--artifact-type filters, and an answer may be empty", async () => {
    expect((await answer(join(LAYOUTS, "olareg:v1"), "--artifact-type", "application/spdx+json")).manifests).toHaveLength(1);
    expect((await run("referrers", join(LAYOUTS, "olareg:v1"), "--artifact-type", "none", "--json")).stdout).toBe(
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"withoutSubject":[],"statements":{}}\n',
    );
  });

  test("--convention looks through some conventions only", async () => {
    const ref = join(LAYOUTS, "oras-then-regclient:v1");
    expect((await answer(ref)).manifests).toHaveLength(2);
    expect((await answer(ref, "--convention", "regclient")).manifests).toHaveLength(1);
    expect((await answer("--convention", "oras", "--convention", "regclient", ref)).manifests).toHaveLength(2);
    const wrong = await run("referrers", ref, "--convention", "regclent");
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("hint: Did you mean regclient?");
  });

  test("the tree shows digest, type and who knows it", async () => {
    const { stdout } = await run("referrers", join(LAYOUTS, "oras:v1"), "--recursive");
    expect(stdout.split("\n")).toEqual([
      `${IMAGE}        KIND         FORMAT     TYPE                               CONVENTIONS`,
      "├─ sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca     sbom         spdx       application/spdx+json              oras",
      "│  └─ sha256:6bb660609319ed33157dbd3018458d8c0be95fee2d72cc7c41b203136ebbd19a  signature    -          application/vnd.example.signature  oras",
      "└─ sha256:cc14ed4494dc5b54f4422bb110157a230722aa62928e49cc05816049dc9e3b5d     linux/amd64",
      "   └─ sha256:67e944231920e45ac41339ffb6dfcb92b12c33aa5e7497c3ba12eb0b53a6cad7  sbom         cyclonedx  application/vnd.cyclonedx+json     oras",
      "",
    ]);
    expect((await run("referrers", join(LAYOUTS, "skopeo:v1"))).stdout).toContain("└─ no referrers");
  });

  test("a link without a subject field is marked in the tree and stands in a member of its own in --json", async () => {
    const ref = `${join(FIXTURES, "edge/annotation-only-link")}:v1`;
    expect((await run("referrers", ref)).stdout).toMatch(/containerd +\(no subject field\)/);
    const { stdout, stderr } = await run("referrers", ref, "--json");
    const { manifests, withoutSubject, statements } = JSON.parse(stdout) as Response;
    expect([manifests, stderr]).toEqual([[], ""]);
    expect(withoutSubject).toMatchObject([{ recordedBy: [{ convention: "containerd" }], verified: true }]);
    expect(Object.values(statements)).toMatchObject([[{ kind: "provenance", format: "slsa-provenance" }]]);
  });

  test("a subject that is not there is answered as long as something refers to it", async () => {
    const builder = new LayoutBuilder();
    const digest = `sha256:${"a".repeat(64)}`;
    const d = builder.manifest({ subject: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 7 } });
    const dir = builder.write();
    expect((await answer(`${dir}@${digest}`)).manifests.map((m) => m.digest)).toEqual([d.digest]);
    const tree = await run("referrers", `${dir}@${digest}`);
    expect([tree.code, tree.stdout]).toEqual([0, expect.stringContaining(`${digest}  (missing)`)]);
    expect((await run("referrers", `${dir}@sha256:${"b".repeat(64)}`)).code).toBe(3);
  });

  test("a listed referrer that is not there is in the answer, and marked in the tree", async () => {
    const builder = new LayoutBuilder();
    const image = builder.manifest({}, builder.tagged("v1"));
    const gone = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: `sha256:${"c".repeat(64)}`,
      size: 9,
      artifactType: "x/y",
    };
    builder.index([gone], builder.tagged(image.digest.replace(":", "-")));
    const dir = builder.write();
    expect((await answer(`${dir}:v1`)).manifests).toEqual([{ ...gone, verified: false, problem: "missing or corrupt" }]);
    expect((await run("referrers", `${dir}:v1`)).stdout).toMatch(/other +- +x\/y +regclient +\(missing or corrupt\)/);
  });

  test("a long list is taken at its word, says so, and is opened on request", async () => {
    const builder = new LayoutBuilder();
    const image = builder.manifest({}, builder.tagged("v1"));
    const lines = Array.from({ length: 257 }, (_, i) => {
      const layers = [builder.blob(`{"${i}":0}`, "application/spdx+json")];
      return { ...builder.manifest({ artifactType: "x/sbom", layers, subject: image }, undefined), artifactType: "x/sbom" };
    });
    builder.index(lines, builder.tagged(image.digest.replace(":", "-")));
    const dir = builder.write();
    const ref = `${dir}:v1`;
    const told = await answer(ref);
    expect(schemaErrors("referrers", JSON.stringify(told))).toBeUndefined();
    expect(told.manifests.map((m) => m["verified"])).toEqual(lines.map(() => false));
    expect(Object.values(told.statements).every((s) => s[0]!.kind === "sbom" && !("layer" in s[0]!))).toBe(true);
    expect((await run("referrers", ref, "--format", "table")).stdout.match(/^sbom +- +x\/sbom .* regclient +not opened$/gm)).toHaveLength(
      257,
    );
    for (const options of [["--verify-links"], ["--scan"], ["--recursive"], ["--kind", "sbom"]]) {
      const opened = await answer(ref, ...options);
      expect([opened.manifests.length, opened.manifests.some((m) => "verified" in m)], options[0]).toEqual([257, false]);
      expect(Object.values(opened.statements).every((s) => s[0]!.format === "spdx")).toBe(true);
    }
    expect((await answer(ref, "--predicate-type", "x")).manifests).toEqual([]);
  });

  test("--kind, --predicate-type and --artifact-type filter, patterns allowed, whichever way it is wrapped", async () => {
    const kinds = async (...argv: string[]): Promise<string[]> =>
      Object.values((await answer(...argv)).statements).flatMap((s) => s.map((x) => x.kind));
    const cosign = join(FIXTURES, "evidence/cosign-3:v1");
    expect((await kinds(cosign)).toSorted()).toEqual([
      "attestation",
      "provenance",
      "sbom",
      "sbom",
      "sbom",
      "signature",
      "vex",
      "vulnerability-report",
    ]);
    expect(await kinds(cosign, "--kind", "signature")).toEqual(["signature"]);
    expect((await kinds(cosign, "--kind", "vex,provenance")).toSorted()).toEqual(["provenance", "vex"]);
    expect(await kinds(cosign, "--predicate-type", "https://slsa.dev/*")).toEqual(["provenance"]);
    expect(await kinds(cosign, "--artifact-type", "*sigstore*", "--kind", "vex")).toEqual(["vex"]);
    expect(await kinds(join(FIXTURES, "edge/buildkit-sbom-and-provenance"), "--kind", "sbom")).toEqual([]);
    const platforms = (await answer(join(FIXTURES, "edge/buildkit-sbom-and-provenance"), "--recursive", "--kind", "sbom")).platforms!;
    expect(platforms.map((p) => p.referrers.length)).toEqual([1, 1]);
    const table = await run("referrers", cosign, "--kind", "vex,signature", "--format", "table");
    expect(table.stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ["KIND", "FORMAT"],
      ...[
        ["signature", "sigstore-bundle 0.3"],
        ["vex", "openvex"],
      ].toSorted(([a], [b]) => table.stdout.indexOf(`${a} `) - table.stdout.indexOf(`${b} `)),
      [""],
    ]);
    expect((await run("referrers", cosign, "--kind", "vex", "--fields", "kind,format,predicate")).stdout).toBe(
      "vex\topenvex\thttps://openvex.dev/ns\n",
    );
    expect((await run("referrers", cosign, "--kind", "license")).stdout).toContain("no referrers of kind license (8 others)");
    const wrong = await run("referrers", cosign, "--kind", "sboms");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("sbom")]);
  });

  test("an envelope that nothing describes is looked into, and a plain file is not", async () => {
    const builder = new LayoutBuilder();
    const image = builder.manifest({}, builder.tagged("v1"));
    const content = { _type: "https://in-toto.io/Statement/v1", predicateType: "https://openvex.dev/ns/v0.2.0", predicate: {} };
    const layer = builder.blob(JSON.stringify(content), "application/vnd.in-toto+json");
    builder.manifest({ subject: image, artifactType: "application/vnd.in-toto+json", layers: [layer] }, {});
    const dir = builder.write();
    expect(Object.values((await answer(`${dir}:v1`)).statements)).toMatchObject([
      [{ kind: "vex", predicateType: "https://openvex.dev/ns/v0.2.0" }],
    ]);
  });

  test("every --json document is of the published schema", async () => {
    for (const name of [
      "layouts/oras",
      "layouts/cosign-tags",
      "layouts/buildkit-attestation",
      "edge/annotation-only-link",
      "evidence/cosign-2",
      "evidence/notation",
    ]) {
      for (const more of [[], ["--recursive"], ["--scan", "--kind", "signature"]]) {
        const { stdout } = await run("referrers", join(FIXTURES, `${name}:v1`), "--json", ...more);
        expect(schemaErrors("referrers", stdout), `${name} ${more.join(" ")}`).toBeUndefined();
      }
    }
    expect(schemaErrors("referrers", '{"schemaVersion":2,"manifests":[]}')).toBeDefined();
  });
});
