import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Descriptor } from "@ocilot/layout";
import { LayoutBuilder as Builder } from "@ocilot/testkit";
import { describe, expect, test } from "vitest";
import { FIXTURES, LayoutBuilder, copyOf, run, tempDir, treeOf } from "./helpers.js";

const ORAS = join(FIXTURES, "layouts/oras");
const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";
const AMD64 = "sha256:cc14ed4494dc5b54f4422bb110157a230722aa62928e49cc05816049dc9e3b5d";

describe("ls", () => {
  test("shows images, platforms, sizes, referrers and conventions", async () => {
    const { code, stdout, stderr } = await run("ls", ORAS);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout.split("\n").map((l) => l.trimEnd())).toEqual([
      "IMAGE                       PLATFORM          SIZE  REFERRERS  DIGEST",
      `docker.io/library/hello:v1  2 platforms    2.60 kB  1 sbom     ${IMAGE}`,
      `                            - linux/amd64  1.03 kB  1 sbom     ${AMD64}`,
      "                            - linux/arm64  1.03 kB  0          sha256:d1603cd873e065fb4ed5d7bcb85281220f086290f590e3a44e6dcb3c7003cb46",
      "",
      "Conventions in use: oras (3 entries)",
      "",
    ]);
  });

  test.each(["oras", "olareg", "regclient", "regclient-then-oras", "oras-then-regclient", "notation"])(
    "%s: lists and untagged referrers are not images",
    async (name) => {
      const { stdout } = await run("ls", join(FIXTURES, "layouts", name), "--json");
      const { images } = JSON.parse(stdout) as { images: { digest: string; tags: string[]; platforms: { digest: string }[] }[] };
      expect(images.map((i) => [i.digest, i.tags])).toEqual([[IMAGE, ["v1"]]]);
      expect(images[0]!.platforms.map((p) => p.digest)).toContain(AMD64);
    },
  );

  test("children of an index that have no platform are counted as what they are", async () => {
    const b = new Builder();
    const layer = (name: string): Descriptor => b.blob(name, "application/vnd.oci.image.layer.v1.tar+gzip");
    const cache = [layer("a"), layer("b"), b.blob("{}", "application/vnd.buildkit.cacheconfig.v0")];
    b.entry(b.imageIndex(cache), { tag: "cache" });
    const chart = (name: string): Descriptor => b.image({ members: { config: b.blob(name, "application/vnd.cncf.helm.config.v1+json") } });
    b.entry(b.imageIndex([chart("{}"), chart("{ }")]), { tag: "both" });
    const dir = join(tempDir(), "layout");
    await b.directory(dir);
    const { stdout } = await run("ls", dir);
    expect(stdout).toMatch(/^cache +3 blobs /m);
    expect(stdout).toMatch(/^both +2 manifests /m);
  });

  test("--json has exact sizes, referrers of platforms, conventions with their entries", async () => {
    const { stdout } = await run("ls", join(FIXTURES, "layouts/olareg"), "--json");
    const json = JSON.parse(stdout) as { images: unknown[]; conventions: { id: string; entries: unknown[]; flags: string[] }[] };
    expect(json.images[0]).toMatchObject({
      size: 2597,
      referrers: 2,
      present: true,
      platforms: [{ platform: "linux/amd64", referrers: 1 }, {}],
    });
    expect(json.conventions.map((c) => [c.id, c.entries.length, c.flags])).toEqual([["olareg", 3, ["org.olareg.referrer.convert"]]]);
  });

  test("counts statements by kind, whichever way they are wrapped", async () => {
    const { stdout } = await run("ls", join(FIXTURES, "evidence/cosign-2"));
    expect(stdout).toContain("2 sig, 4 sbom, 1 prov, 1 vex, 1 vuln, 1 att");
    const json = JSON.parse((await run("ls", join(FIXTURES, "edge/buildkit-sbom-and-provenance"), "--json")).stdout) as {
      images: { kinds: object; platforms: { kinds: object; referrers: number }[] }[];
    };
    expect(json.images[0]!.kinds).toEqual({});
    expect(json.images[0]!.platforms).toMatchObject([
      { kinds: { sbom: 1, provenance: 1 }, referrers: 1 },
      { kinds: { sbom: 1, provenance: 1 } },
    ]);
    expect((await run("ls", join(FIXTURES, "evidence/notation"), "--fields", "tags,referrers,kinds")).stdout).toBe("v1\t2\t2 sig\n");
  });

  test("an image is shown by its full names, and by tags that are not part of one", async () => {
    const builder = new LayoutBuilder();
    const name = (tag: string, full?: string) => ({
      annotations: { "org.opencontainers.image.ref.name": tag, ...(full !== undefined && { "io.containerd.image.name": full }) },
    });
    const image = builder.manifest({ artifactType: "test/a" }, name("1.0", "host:5000/team/a:1.0"));
    builder.entries.push({ ...image, ...name("stable") });
    builder.manifest({ artifactType: "test/b" }, name("1.0", "host:5000/team/b:1.0"));
    builder.manifest({ artifactType: "test/c" }, name("2.0"));
    const dir = builder.write();
    const { stdout } = await run("ls", dir, "--fields", "image,tags,names");
    expect(stdout.split("\n").filter((line) => line !== "")).toEqual([
      "host:5000/team/a:1.0, stable\t1.0,stable\thost:5000/team/a:1.0",
      "host:5000/team/b:1.0\t1.0\thost:5000/team/b:1.0",
      "2.0\t2.0\t",
    ]);
    for (const [shown, type] of [
      ["host:5000/team/a:1.0", "test/a"],
      ["stable", "test/a"],
      ["b:1.0", "test/b"],
    ])
      expect((await run("cat", `${dir}:${shown}`)).stdout).toContain(type);
  });

  test("one image under two tags is one row", async () => {
    const { stdout } = await run("ls", join(FIXTURES, "edge/image-tag-overwritten-by-fallback"));
    expect(stdout).toContain("v1, keep");
  });

  test("--verbose shows the entries that speak a convention and all problems", async () => {
    const { stdout } = await run("ls", join(FIXTURES, "edge/subject-listed-as-its-own-referrer"), "--verbose");
    expect(stdout).toMatch(/index\.json entry \d+ +sha256:[0-9a-f]{64} +list under org\.opencontainers\.image\.ref\.name/);
    expect(stdout).toMatch(/STALE_LINE: .*\(index\.json entry \d+\)/);
  });

  test("an image takes its platform from its config, and a missing platform is said to be missing", async () => {
    const builder = new LayoutBuilder();
    const config = builder.blob('{"os":"linux","architecture":"arm","variant":"v7"}', "application/vnd.oci.image.config.v1+json");
    const child = builder.manifest({ config }, builder.tagged("single"));
    const gone = { ...child, digest: `sha256:${"0".repeat(64)}`, platform: { os: "linux", architecture: "s390x" } };
    builder.index([child, gone], builder.tagged("multi"));
    const { stdout } = await run("ls", builder.write());
    expect(stdout).toMatch(/^single +linux\/arm\/v7 /m);
    expect(stdout).toMatch(/- linux\/s390x \(missing\)/);
  });

  test("control characters in a tag do not reach the terminal", async () => {
    const builder = new LayoutBuilder();
    builder.manifest({}, builder.tagged("v1\u001b[2J\u202egnp"));
    const { stdout } = await run("ls", builder.write());
    expect(stdout).toContain("v1\\u{1b}[2J\\u{202e}gnp");
    expect(stdout).not.toContain("\u001b");
  });

  test("version 1.1.0 and duplicate keys are read with a warning", async () => {
    const dir = copyOf("layouts/oras");
    writeFileSync(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.1.0"}');
    const before = treeOf(dir);
    const listed = await run("ls", dir);
    expect(listed.code).toBe(0);
    expect(listed.stderr).toContain("ocilot: warning: oci-layout: version 1.1.0 is unknown");
    expect((await run("convert", dir, "--to", "universal")).code).toBe(6);
    expect(treeOf(dir)).toEqual(before);
    writeFileSync(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(join(dir, "index.json"), '{"schemaVersion":2,"manifests":[],"manifests":[]}');
    expect((await run("ls", dir)).stderr).toContain('the member "manifests" occurs twice');
    expect((await run("convert", dir, "--to", "universal")).code).toBe(6);
  });

  test("an empty layout has no images", async () => {
    expect((await run("ls", join(FIXTURES, "edge/manifests-null"))).stdout).toBe("No images.\n\nConventions in use: none\n");
  });

  test("takes oci: and ocidir:// prefixes, and no reference", async () => {
    expect((await run("ls", `oci:${ORAS}`)).code).toBe(0);
    expect((await run("ls", `ocidir://${ORAS}`)).code).toBe(0);
    expect(await run("ls", `${ORAS}:v1`)).toMatchObject({ code: 2, stderr: expect.stringContaining("takes a whole layout") as string });
  });
});
