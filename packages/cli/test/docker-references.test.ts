import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { copyOf, run, tempDir } from "./helpers.js";

const ONE = {
  config: "sha256:797e2bb3c8e481953538c465097a87ef12401b8e6a89cbe0d6f8510fa57545a6",
  manifest: "sha256:4737baee21ea8057eb3c2829d0da58dbe8e1224ac3512ce5c03ce1b0e2c73586",
};
const LISTED = "sha256:ca3454095b3a2e89d415fea13b8cc119c824c40c8799488c5d4757ab78de669e";
const UNLISTED = "sha256:606f5d31877b790b8b3d5c1f9a42b20d728bcbb108ea7b4b88f2e4a4adb21230";

/** Sets the names of the first image in Docker's manifest.json. */
function name(dir: string, ...names: string[]): string {
  const file = join(dir, "manifest.json");
  const images = JSON.parse(readFileSync(file, "utf8")) as { RepoTags: string[] | null }[];
  images[0]!.RepoTags = names;
  writeFileSync(file, JSON.stringify(images));
  return dir;
}

describe("an image that only Docker's manifest.json lists", () => {
  test("is named by the layout alone, by its names and by the digest that ls shows", async () => {
    const dir = name(copyOf("cases/docker-save-null-manifests"), "app:1.0");
    const manifest = (await run("cat", `${dir}@${ONE.manifest}`)).stdout;
    expect(manifest).toContain(ONE.config);
    for (const ref of ["", ":1.0", ":app:1.0", ":docker.io/library/app:1.0", `@${ONE.config}`])
      expect(await run("cat", `${dir}${ref}`), ref).toMatchObject({ code: 0, stdout: manifest });
    expect((await run("cat", `${dir}:2.0`)).code).toBe(3);
  });

  test("can be copied by name, and takes evidence", async () => {
    const dir = name(copyOf("cases/docker-save-null-manifests"), "app:1.0");
    const out = join(tempDir(), "out");
    expect(await run("copy", `${dir}:app:1.0`, `${out}:1.0`)).toMatchObject({ code: 0 });
    expect((await run("ls", out, "--fields", "image,digest")).stdout).toBe(`1.0\t${ONE.manifest}\n`);
    expect((await run("verify", out)).code).toBe(0);
    const sbom = join(tempDir(), "sbom.json");
    writeFileSync(sbom, "{}");
    expect((await run("attach", `${dir}:app:1.0`, sbom, "--artifact-type", "a/b")).code).toBe(0);
    expect((await run("referrers", `${dir}:app:1.0`)).stdout).toContain("a/b");
  });

  test("makes the layout alone ambiguous beside another image", async () => {
    const dir = copyOf("cases/docker-save-two-by-digest");
    const { code, stderr } = await run("cat", dir);
    expect(code).toBe(2);
    for (const digest of [LISTED, UNLISTED]) {
      expect(stderr).toContain(`@${digest}`);
      expect((await run("cat", `${dir}@${digest}`)).code).toBe(0);
    }
    writeFileSync(join(dir, "index.json"), '{"schemaVersion":2,"manifests":[]}');
    expect(await run("cat", dir)).toMatchObject({ code: 2, stderr: expect.stringContaining("more than one image") as string });
  });

  test("whose manifest the layout lacks is refused, and the hint carries it along", async () => {
    const dir = name(copyOf("cases/docker-save-null-manifests"), "app:1.0");
    rmSync(join(dir, "blobs/sha256", ONE.manifest.slice(7)));
    const { code, stderr } = await run("copy", `${dir}:app:1.0`, join(tempDir(), "out"));
    expect(code).toBe(3);
    expect(stderr).toContain("docker.io/library/app:1.0 is listed only in Docker's manifest.json");
    expect(stderr).toContain("ocilot copy --all");
    const out = join(tempDir(), "out");
    expect((await run("copy", "--all", dir, out)).code).toBe(0);
    expect((await run("ls", out)).stdout).toContain("docker.io/library/app:1.0 (manifest.json only)");
  });

  test("a name that only manifest.json has for an image of index.json is that image's", async () => {
    const dir = name(copyOf("cases/docker-save-one-platform"), "app:latest", "other:3");
    expect((await run("cat", `${dir}:other:3`)).stdout).toBe((await run("cat", `${dir}:latest`)).stdout);
  });
});
