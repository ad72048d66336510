import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES, LayoutBuilder, copyOf, run, tempDir, treeOf } from "./helpers.js";

const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";
const REF_NAME = "org.opencontainers.image.ref.name";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYOUTS = readdirSync(join(FIXTURES, "layouts"), { withFileTypes: true })
  .filter((e) => e.isDirectory() || e.name.endsWith(".tar"))
  .map((e) => e.name);

interface Listed {
  images: { digest: string; tags: string[]; platforms: { digest: string; platform?: string }[] }[];
}
const listed = async (dir: string): Promise<Listed> => JSON.parse((await run("ls", dir, "--json")).stdout) as Listed;

describe("one image and its records, in every convention", () => {
  test.each(LAYOUTS)("%s: the path alone names the image, and ls lists it alone", async (name) => {
    const path = join(FIXTURES, "layouts", name);
    const { images } = await listed(path);
    expect(images).toHaveLength(1);
    const { code, stdout, stderr } = await run("cat", path);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe((await run("cat", `${path}@${images[0]!.digest}`)).stdout);
  });

  test.each(["oras", "containerd", "regclient", "olareg", "image-spec", "hauler", "cosign-save", "universal"])(
    "converted to %s, untagged or not",
    async (to) => {
      const dir = copyOf("layouts/oras");
      expect((await run("convert", dir, "--to", to)).code).toBeOneOf([0, 8]);
      for (const isTagged of [true, false]) {
        if (!isTagged) await run("untag", `${dir}:v1`);
        expect((await listed(dir)).images.map((i) => i.digest)).toEqual([IMAGE]);
        const sbom = join(tempDir(), "sbom.json");
        writeFileSync(sbom, String(isTagged));
        const { code, stderr } = await run("attach", dir, sbom, "--artifact-type", "a/b");
        expect(code, stderr).toBe(0);
      }
    },
  );

  test("a name that an image shares with what belongs to it is the image's", async () => {
    const builder = new LayoutBuilder();
    const image = builder.manifest({ artifactType: "test/app" }, builder.tagged("app:v1"));
    const signature = builder.manifest({ artifactType: "test/sig", subject: image }, builder.tagged("app:v1"));
    const dir = builder.write();
    expect((await run("cat", `${dir}:app:v1`)).stdout).toContain("test/app");
    expect((await run("cat", `${dir}:v1`)).stdout).toContain("test/app");
    expect((await listed(dir)).images.map((i) => i.digest)).toEqual([image.digest]);
    expect((await run("ls", dir)).stdout).toContain("Tagged referrers: app:v1");
    expect((await run("cat", `${dir}@${signature.digest.slice(0, 20)}`)).stdout).toContain("test/sig");
  });

  test("two images are ambiguous, and only images are candidates", async () => {
    const builder = new LayoutBuilder();
    const [a, b] = ["a", "b"].map((n) => builder.manifest({ artifactType: `test/${n}` }));
    builder.manifest({ artifactType: "test/sig", subject: a });
    const { code, stderr } = await run("cat", builder.write());
    expect(code).toBe(2);
    expect(stderr.match(/untagged@sha256:[0-9a-f]{64}/g)).toEqual([a!.digest, b!.digest].toSorted().map((d) => `untagged@${d}`));
  });

  test("hints name images and not lists", async () => {
    const dir = copyOf("layouts/regclient");
    const { stderr } = await run("cat", `${dir}:v2`);
    expect(stderr).toContain("hint: Its tags are: v1\n");
  });
});

/** An index of images: two for one Windows, ARM v6 and v7, one whose platform only its config states, one in a nested index. */
function manyPlatforms(): { dir: string; of: Record<string, string> } {
  const b = new LayoutBuilder();
  const image = (seed: string, config: object = {}): ReturnType<LayoutBuilder["manifest"]> =>
    b.manifest({ config: b.blob(JSON.stringify({ seed, ...config }), CONFIG) }, undefined);
  const of = {
    win1: image("1809"),
    win2: image("2022"),
    v6: image("v6"),
    v7: image("v7"),
    config: image("c", { os: "linux", architecture: "s390x" }),
    nested: image("n"),
  };
  const inner = b.index([{ ...of.nested, platform: { os: "linux", architecture: "riscv64" } }], undefined);
  b.index(
    [
      { ...of.win1, platform: { os: "windows", architecture: "amd64", "os.version": "10.0.17763.5000" } },
      { ...of.win2, platform: { os: "windows", architecture: "amd64", "os.version": "10.0.20348.2000" } },
      { ...of.v6, platform: { os: "linux", architecture: "arm", variant: "v6" } },
      { ...of.v7, platform: { os: "linux", architecture: "arm", variant: "v7" } },
      of.config,
      inner,
    ],
    b.tagged("v1"),
  );
  return { dir: b.write(), of: Object.fromEntries(Object.entries(of).map(([name, d]) => [name, d.digest])) };
}

describe("--platform wherever a reference is taken", () => {
  const commands: Record<string, (dir: string, platform: string) => string[]> = {
    cat: (dir, p) => ["cat", `${dir}:v1`, "-p", p],
    referrers: (dir, p) => ["referrers", `${dir}:v1`, "-p", p],
    tag: (dir, p) => ["tag", `${dir}:v1`, "new", "-p", p],
    attach: (dir, p) => ["attach", `${dir}:v1`, "--artifact-type", "a/b", "-p", p],
    extract: (dir, p) => ["extract", `${dir}:v1`, "--artifact-type", "a/b", "--output", join(dir, "../out"), "-p", p],
    verify: (dir, p) => ["verify", `${dir}:v1`, "-p", p],
    copy: (dir, p) => ["copy", `${dir}:v1`, join(dir, "../copy"), "-p", p],
  };

  test.each([
    ["windows/amd64:10.0.20348.2000", "win2"],
    ["windows(10.0.17763.5000)/amd64", "win1"],
    ["linux/arm/v6", "v6"],
    ["linux/s390x", "config"],
    ["linux/riscv64", "nested"],
  ])("%s is %s in each command", async (platform, name) => {
    for (const [verb, argv] of Object.entries(commands)) {
      const { dir, of } = manyPlatforms();
      if (verb === "extract") await run(...commands["attach"]!(dir, platform));
      const { code, stdout, stderr } = await run(...argv(dir, platform));
      expect(code, `${verb}: ${stderr}`).toBe(0);
      if (verb === "referrers") expect(stdout).toContain(of[name]!);
      if (verb === "tag") expect((await run("cat", `${dir}:new`)).stdout).toBe((await run("cat", `${dir}@${of[name]!}`)).stdout);
      if (verb === "attach") expect((await run("referrers", `${dir}@${of[name]!}`)).stdout).toContain(stdout.trim());
    }
  });

  test.each([
    ["windows/amd64", 2, "10.0.17763.5000"],
    ["linux/ppc64le", 3, "It has: windows/amd64:10.0.17763.5000"],
    ["linux", 2, "is not a platform"],
  ])("%s exits %i in each command, and changes nothing", async (platform, code, says) => {
    for (const [verb, argv] of Object.entries(commands)) {
      const { dir } = manyPlatforms();
      const before = treeOf(join(dir, ".."));
      const found = await run(...argv(dir, platform));
      expect([found.code, found.stderr], verb).toEqual([code, expect.stringContaining(says)]);
      expect(treeOf(join(dir, "..")), verb).toEqual(before);
    }
  });

  test("ls shows what tells platforms apart", async () => {
    const { dir } = manyPlatforms();
    const shown = (await listed(dir)).images[0]!.platforms.map((p) => p.platform);
    expect(shown).toEqual([
      "windows/amd64:10.0.17763.5000",
      "windows/amd64:10.0.20348.2000",
      "linux/arm/v6",
      "linux/arm/v7",
      "linux/s390x",
      "linux/riscv64",
    ]);
  });
});

test("verify takes a reference like every other command", async () => {
  const dir = copyOf("layouts/oras");
  const whole = await run("verify", dir);
  for (const argv of [[`${dir}:v1`], [`${dir}@${IMAGE.slice(0, 20)}`], [dir, "v1"], [dir, ":v1"], [`${dir}:v1`, `@${IMAGE}`]])
    expect(await run("verify", ...argv)).toMatchObject({ code: 0, stdout: expect.stringContaining("3 referrers") as string });
  expect(whole.code).toBe(0);
  expect((await run("verify", `${dir}:v2`)).code).toBe(3);
});

test.each([
  [["verify", "LAYOUT", "--policy", "none.json"], "none.json does not exist"],
  [["verify", "LAYOUT", "--against", "none.json"], "none.json does not exist"],
  [["attach", "LAYOUT:v1", "--manifest", "none.json"], "none.json does not exist"],
  [["attach", "LAYOUT:v1", "none.json", "--artifact-type", "a/b"], "none.json does not exist"],
  [["verify", "none"], "none does not exist"],
  [["cat", "none:v1"], "none does not exist"],
  [["gc", "none"], "none does not exist"],
  [["repair", "LAYOUT", "--from", "none"], "none does not exist"],
])("%j exits 3, and no error number reaches a person", async (argv, says) => {
  const dir = copyOf("layouts/oras");
  const { code, stderr } = await run(...argv.map((arg) => arg.replace("LAYOUT", dir)));
  expect([code, stderr]).toEqual([3, expect.stringContaining(says)]);
  expect(stderr).not.toMatch(/\bE[A-Z]{4,}\b/);
});

describe("--artifact-type takes patterns everywhere", () => {
  const ref = `${join(FIXTURES, "layouts/olareg")}:v1`;

  test.each(["application/spdx*", "*/spdx+json", "application/spdx?json", "application/spdx+json"])("%s", async (pattern) => {
    expect(
      (JSON.parse((await run("referrers", ref, "--json", "--artifact-type", pattern)).stdout) as { manifests: object[] }).manifests,
    ).toHaveLength(1);
    expect((await run("referrers", ref, "--artifact-type", pattern)).stdout).toContain("application/spdx+json");
    expect((await run("extract", ref, "--artifact-type", pattern, "--output", tempDir())).code).toBe(0);
    expect((await run("verify", ref, "--require", pattern)).code).toBeOneOf([0, 4]);
  });

  test("none of that type is told apart from no referrers", async () => {
    expect((await run("referrers", ref, "--artifact-type", "application/none*")).stdout).toContain(
      "no referrers of type application/none* (2 of other types)",
    );
    expect((await run("extract", ref, "--artifact-type", "a/none", "--output", tempDir())).stderr).toContain("(2 of other types)");
    const none = `${join(FIXTURES, "layouts/skopeo")}:v1`;
    expect((await run("referrers", none, "--artifact-type", "a/none")).stdout).toContain("└─ no referrers\n");
  });
});

test("a copy keeps the tag that was meant, also by a shortened name or without one", async () => {
  const builder = new LayoutBuilder();
  builder.manifest({ artifactType: "test/app" }, builder.tagged("docker.io/library/app:1.0"));
  builder.manifest({ artifactType: "test/other" }, builder.tagged("docker.io/library/other:2.0"));
  const dir = builder.write();
  const tagsOf = (path: string): string[] =>
    (
      JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as { manifests: { annotations?: Record<string, string> }[] }
    ).manifests.flatMap((m) => m.annotations?.[REF_NAME] ?? []);
  const out = join(tempDir(), "out");
  expect((await run("copy", `${dir}:app:1.0`, out)).code).toBe(0);
  expect(tagsOf(out)).toEqual(["docker.io/library/app:1.0"]);
});
