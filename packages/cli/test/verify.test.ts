import { appendFileSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FIXTURES, copyOf, run, tempDir, treeOf } from "./helpers.js";

interface Answer {
  clean: boolean;
  checked: { blobs: number };
  findings: { code: string; severity: string; path: string; steps: object[]; fix?: string }[];
  receipt?: { digest: string; file?: string };
}

async function json(...argv: string[]): Promise<{ code: number; answer: Answer; stderr: string }> {
  const { code, stdout, stderr } = await run("verify", ...argv, "--json");
  return { code, answer: JSON.parse(stdout) as Answer, stderr };
}

/** The layer of `v1` of the oras fixture for linux/amd64. */
const blobIn = (dir: string): string => {
  const read = (digest: string): any => JSON.parse(readFileSync(join(dir, "blobs", ...digest.split(":")), "utf8"));
  const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8")) as any;
  const root = read(index.manifests.find((m: any) => m.annotations?.["org.opencontainers.image.ref.name"] === "v1").digest);
  return join(dir, "blobs", ...read(root.manifests[0].digest).layers[0].digest.split(":"));
};

describe("ocilot verify", () => {
  it("says that a whole layout is whole, changes nothing and is silent about progress", async () => {
    const dir = copyOf("layouts/oras");
    const before = treeOf(dir);
    const { code, stdout, stderr } = await run("verify", dir);
    expect([code, stdout, stderr]).toEqual([0, `${dir}: 6 manifests, 13 blobs, 5.09 kB, 3 referrers; nothing found\n`, ""]);
    expect(treeOf(dir)).toEqual(before);
  });

  it("exits 4 with errors, and names the way, the digest and the fix", async () => {
    const dir = copyOf("layouts/oras");
    rmSync(blobIn(dir));
    const { code, stdout } = await run("verify", dir);
    expect(code).toBe(4);
    expect(stdout).toMatch(
      /^error {2}BLOB_MISSING {2}v1 → linux\/amd64 → layer 1\n {7}sha256:[0-9a-f]{64} .* is not in the layout\n {7}fix: ocilot repair .* --from OTHER\n/,
    );
    const { answer } = await json(dir);
    expect(answer.clean).toBe(false);
    expect(answer.findings[0]).toMatchObject({
      code: "BLOB_MISSING",
      severity: "error",
      steps: [{ kind: "entry" }, { kind: "child" }, { kind: "layer", index: 0 }],
    });
  });

  it("counts warnings as errors with --strict", async () => {
    const dir = copyOf("layouts/oras-then-regclient");
    expect((await json(dir)).code).toBe(0);
    const { code, answer } = await json(dir, "--strict");
    expect([code, new Set(answer.findings.map((f) => f.severity))]).toEqual([4, new Set(["error"])]);
  });

  it("reads archives as it reads directories", async () => {
    expect(await json(join(FIXTURES, "layouts/containerd-export.tar"))).toMatchObject({
      code: 0,
      answer: { clean: true, checked: { blobs: 9 } },
    });
    const tar = join(tempDir(), "bad.tar");
    const bytes = readFileSync(join(FIXTURES, "layouts/oras-backup.tar"));
    const at = bytes.indexOf('"layers"');
    bytes[at + 1]! ^= 1;
    writeFileSync(tar, bytes);
    const { code, answer } = await json(tar);
    expect([code, answer.findings[0]?.code]).toEqual([4, "BLOB_CORRUPT"]);
  });

  it("verifies only what is asked for, by tag or digest", async () => {
    const dir = copyOf("layouts/oras");
    rmSync(blobIn(dir));
    expect((await json(dir, "v1")).code).toBe(4);
    expect((await json(dir, ":v1")).code).toBe(4);
    expect((await run("verify", dir, "v9")).code).toBe(3);
  });

  it("tells what a requirement misses, and for which platform", async () => {
    const dir = copyOf("layouts/oras");
    const { code, answer } = await json(dir, "v1", "--require", "application/spdx+json;scope=platform");
    expect([code, answer.findings.map((f) => f.path)]).toEqual([4, ["v1 → linux/amd64", "v1 → linux/arm64"]]);
    expect((await run("verify", dir, "--require", "application/spdx+json;scope=image", "--require", "no-dangling")).code).toBe(0);
    expect((await run("verify", dir, "--require", "sbom;scope=any")).code).toBe(0);
    expect((await run("verify", dir, "--require", "provenance")).stdout).toContain("lacks a provenance");
    const bad = await run("verify", dir, "--require", "spdx");
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('"spdx" is neither a kind (signature, sbom,')]);
  });

  it("takes a policy file, and names the place of what is wrong with it", async () => {
    const dir = copyOf("layouts/oras");
    const file = join(tempDir(), "ocilot.policy.json");
    writeFileSync(
      file,
      JSON.stringify({
        version: 1,
        require: [{ artifactType: "application/spdx+json", scope: "image" }],
        digestAlgorithms: ["sha256"],
        tools: ["oras"],
      }),
    );
    expect((await run("verify", dir, "--policy", file)).code).toBe(0);
    writeFileSync(file, JSON.stringify({ version: 1, tools: ["regctl"] }));
    expect((await json(dir, "--policy", file)).answer.findings.map((f) => f.code)).toEqual(Array(3).fill("REQUIREMENT_TOOL"));
    writeFileSync(file, JSON.stringify({ version: 1, tools: ["docker"] }));
    const { code, stderr } = await run("verify", dir, "--policy", file);
    expect([code, stderr]).toEqual([4, expect.stringContaining("$.tools[0] is none of oras")]);
  });

  it("writes a receipt, and compares with it", async () => {
    const dir = copyOf("layouts/oras");
    const file = join(tempDir(), "receipt.json");
    const { answer } = await json(dir, "--receipt", file);
    expect(answer.receipt).toEqual({ digest: expect.stringMatching(/^sha256:/), file });
    expect((await run("convert", dir, "--to", "universal")).code).toBe(0);
    expect((await run("verify", dir, "--against", file)).code).toBe(0);
    appendFileSync(blobIn(dir), "x");
    const lost = await json(dir, "--against", file);
    expect([lost.code, lost.answer.findings.map((f) => f.code)]).toEqual([4, ["BLOB_CORRUPT", "RECEIPT_LOST"]]);
    const second = join(tempDir(), "second.json");
    expect((await json(dir, "--receipt", second)).code).toBe(4);
    expect(existsSync(second)).toBe(false);
    writeFileSync(file, readFileSync(file, "utf8").replace('"tag":"v1"', '"tag":"v2"'));
    expect((await run("verify", dir, "--against", file)).code).toBe(4);
  });

  it("tells of an index.json that cannot be read as of any other damage", async () => {
    const dir = copyOf("layouts/oras");
    const path = join(dir, "index.json");
    writeFileSync(path, readFileSync(path).subarray(0, 30));
    utimesSync(path, 1, 1);
    const { code, answer } = await json(dir);
    expect([code, answer.findings.map((f) => [f.code, f.path])]).toEqual([4, [["UNREADABLE", "index.json"]]]);
    writeFileSync(join(dir, "oci-layout"), "{");
    expect(await json(dir)).toMatchObject({ code: 4, answer: { findings: [{ code: "UNREADABLE", path: "oci-layout" }] } });
    expect((await run("verify", join(dir, "nowhere"))).code).toBe(3);
  });
});
