import { join } from "node:path";
import { LayoutBuilder, type RegistryQuirks, type TestRegistry, startTestRegistry } from "@ocilot/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { run, tempDir } from "./helpers.js";

const SBOM = "application/spdx+json";
const SIGNATURE = "application/vnd.cncf.notary.signature";
const OTHER = "application/vnd.example.scan";

/** An index of two platforms with an SBOM, a signature of that, and other referrers, of the index and of a platform. */
async function source(): Promise<string> {
  const content = new LayoutBuilder();
  const amd64 = content.image();
  const arm64 = content.image();
  const index = content.imageIndex([
    { ...amd64, platform: { os: "linux", architecture: "amd64" } },
    { ...arm64, platform: { os: "linux", architecture: "arm64" } },
  ]);
  const sbom = content.referrer(index, { artifactType: SBOM });
  content.entry(index, { tag: "v1" });
  for (const d of [
    sbom,
    content.referrer(sbom, { artifactType: SIGNATURE }),
    content.referrer(index, { artifactType: OTHER }),
    content.referrer(amd64, { artifactType: SBOM, annotations: { of: "amd64" } }),
    content.referrer(arm64, { artifactType: OTHER, annotations: { of: "arm64" } }),
  ])
    content.listed(d);
  const path = join(tempDir(), "source");
  await content.directory(path);
  return path;
}

async function registryWith(quirks: RegistryQuirks = {}): Promise<TestRegistry> {
  const registry = await startTestRegistry({ quirks });
  onTestFinished(async () => await registry.close());
  return registry;
}

const typesIn = async (reference: string): Promise<string[]> => {
  const { stdout, code } = await run("referrers", reference, "--recursive", "--fields", "type");
  expect(code).toBe(0);
  return stdout.split("\n").filter(Boolean).toSorted();
};

describe.each([["a directory"], ["a registry"]])("from %s", (from) => {
  test.each<[string[], string[]]>([
    [
      ["--kind", "sbom"],
      [SBOM, SBOM],
    ],
    [
      ["--kind", "sbom,signature"],
      [SBOM, SBOM, SIGNATURE],
    ],
    [["--kind", "signature"], []],
    [["--no-referrers"], []],
    [[], [SBOM, SBOM, SIGNATURE, OTHER, OTHER].toSorted()],
    [["--platform", "linux/amd64"], [SBOM, SBOM, SIGNATURE, OTHER].toSorted()],
    [["--platform", "linux/arm64", "--kind", "sbom"], [SBOM]],
  ])("copy %j takes %j", async (options, types) => {
    const registry = await registryWith();
    let at = `${await source()}:v1`;
    if (from === "a registry") {
      expect(await run("copy", at, `docker://${registry.host}/a:v1`)).toMatchObject({ code: 0 });
      at = `docker://${registry.host}/a:v1`;
    }
    const out = join(tempDir(), "out");
    const outcome = await run("copy", at, out, ...options);
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    expect(await typesIn(`${out}:v1`)).toEqual(types);
    if (options.includes("--kind")) expect(outcome.stdout).toMatch(/Left out for their kind: \d referrers?/);
    expect(await run("verify", `${out}:v1`)).toMatchObject({ code: 0 });
    // Into a registry the same, and all of it is found there.
    if (!options.includes("--platform")) {
      expect(await run("copy", at, `docker://${registry.host}/b:v1`, ...options)).toMatchObject({ code: 0 });
      expect(await typesIn(`docker://${registry.host}/b:v1`)).toEqual(types);
    }
  });
});

test("a whole repository into another one and to disk: every tag and referrer", async () => {
  const registry = await registryWith();
  const from = await source();
  for (const tag of ["v1", "v2"]) expect(await run("copy", `${from}:v1`, `docker://${registry.host}/a:${tag}`)).toMatchObject({ code: 0 });
  expect(await run("copy", "--all", `docker://${registry.host}/a`, `docker://${registry.host}/b`)).toMatchObject({ code: 0 });
  expect([...registry.repository("b").tags.keys()].toSorted()).toEqual(["v1", "v2"]);
  const out = join(tempDir(), "out");
  expect(await run("copy", "--all", `docker://${registry.host}/b`, out)).toMatchObject({ code: 0 });
  expect(await typesIn(`${out}:v2`)).toEqual([SBOM, SBOM, SIGNATURE, OTHER, OTHER].toSorted());
});

test("one platform out of an index goes into a registry as a new index", async () => {
  const registry = await registryWith();
  const there = `docker://${registry.host}/a:v1`;
  expect(await run("copy", `${await source()}:v1`, there, "--platform", "linux/amd64", "--rewrite-index")).toMatchObject({
    code: 8,
    stdout: expect.stringContaining("Left behind"),
  });
  expect(await typesIn(there)).toEqual([SBOM]);
});

test.each([["--all"], ["--no-referrers"]])("--kind and %s together are wrong usage", async (option) => {
  const from = await source();
  const at = option === "--all" ? from : `${from}:v1`;
  expect(await run("copy", at, join(tempDir(), "out"), "--kind", "sbom", option)).toMatchObject({ code: 2 });
});

test.each([["api" as const], [404 as const]])(
  "a registry (%s) that refuses one type gets the rest; exit 8, and the referrer is named",
  async (referrers) => {
    const quirks = { referrers, allowedArtifactTypes: ["application/vnd.oci.image.config.v1+json", SIGNATURE, OTHER] };
    const registry = await registryWith(quirks);
    const there = `docker://${registry.host}/a:v1`;
    const outcome = await run("copy", `${await source()}:v1`, there);
    expect(outcome).toMatchObject({
      code: 8,
      stdout: expect.stringMatching(/Not copied: sha256:[0-9a-f]{64} \(application\/spdx\+json\).*unknown media type/),
    });
    // The signature of the SBOM has nothing to refer to.
    expect(outcome.stdout).toContain("it refers to a referrer that was refused");
    expect(await typesIn(there)).toEqual([OTHER, OTHER]);
    expect(await run("verify", there)).toMatchObject({ code: 0 });
    // Once the registry takes it, the same copy completes it.
    registry.quirks.allowedArtifactTypes = [...quirks.allowedArtifactTypes, SBOM];
    expect(await run("copy", `${await source()}:v1`, there)).toMatchObject({ code: 0 });
    expect(await typesIn(there)).toEqual([SBOM, SBOM, SIGNATURE, OTHER, OTHER].toSorted());
  },
);
