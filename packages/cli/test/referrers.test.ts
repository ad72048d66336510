import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES, LayoutBuilder, run } from "./helpers.js";

const LAYOUTS = join(FIXTURES, "layouts");
const EDGES = JSON.parse(readFileSync(join(LAYOUTS, "edges.json"), "utf8")) as Record<string, Record<string, string[]>>;
const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";

interface Response {
  schemaVersion: number;
  mediaType: string;
  manifests: (Record<string, unknown> & { digest: string; referrers?: Response["manifests"] })[];
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

  test("--json is the answer of the Referrers API, in its member order", async () => {
    const { stdout, stderr, code } = await run("referrers", join(LAYOUTS, "oras:v1"), "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",' +
        '"digest":"sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca","size":919,"annotations":{"org.example.tool":"syft",' +
        '"org.opencontainers.image.created":"2026-11-21T07:20:27Z"},"artifactType":"application/spdx+json"}]}\n',
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
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}\n',
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
      IMAGE,
      "├─ sha256:b238b9ddaf2231e98a48ee10fe07b0b332fb64c70a63562b98f252e5302cf8ca  application/spdx+json  [oras]",
      "│  └─ sha256:6bb660609319ed33157dbd3018458d8c0be95fee2d72cc7c41b203136ebbd19a  application/vnd.example.signature  [oras]",
      "└─ sha256:cc14ed4494dc5b54f4422bb110157a230722aa62928e49cc05816049dc9e3b5d  linux/amd64",
      "   └─ sha256:67e944231920e45ac41339ffb6dfcb92b12c33aa5e7497c3ba12eb0b53a6cad7  application/vnd.cyclonedx+json  [oras]",
      "",
    ]);
    expect((await run("referrers", join(LAYOUTS, "skopeo:v1"))).stdout).toContain("└─ no referrers");
  });

  test("a link without a subject field is marked in the tree and left out of --json with a note", async () => {
    const ref = `${join(FIXTURES, "edge/annotation-only-link")}:v1`;
    expect((await run("referrers", ref)).stdout).toContain("[containerd]  (no subject field)");
    const { stdout, stderr } = await run("referrers", ref, "--json");
    expect((JSON.parse(stdout) as Response).manifests).toEqual([]);
    expect(stderr).toBe("ocilot: note: 1 link without a subject field left out\n");
  });

  test("a subject that is not there is answered as long as something refers to it", async () => {
    const builder = new LayoutBuilder();
    const digest = `sha256:${"a".repeat(64)}`;
    const d = builder.manifest({ subject: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 7 } });
    const dir = builder.write();
    expect((await answer(`${dir}@${digest}`)).manifests.map((m) => m.digest)).toEqual([d.digest]);
    const tree = await run("referrers", `${dir}@${digest}`);
    expect([tree.code, tree.stdout]).toEqual([0, expect.stringContaining(`${digest}  (not in the layout)`)]);
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
    expect((await answer(`${dir}:v1`)).manifests).toEqual([gone]);
    expect((await run("referrers", `${dir}:v1`)).stdout).toContain("x/y  [regclient]  (not in the layout or damaged)");
  });
});
