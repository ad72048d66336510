import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES, run, tempDir } from "./helpers.js";

const LAYOUTS = join(FIXTURES, "layouts");
const TARS = ["buildkit-attestation", "containerd-export", "docker-archive", "oras-backup", "regctl-export", "skopeo-archive"];

describe("reading an archive", () => {
  test.each(TARS)("%s.tar is listed, read and verified in place", async (name) => {
    const path = join(LAYOUTS, `${name}.tar`);
    const before = readFileSync(path);
    expect(await run("ls", path)).toMatchObject({ code: 0, stdout: expect.stringContaining("v1") });
    expect(await run("cat", `${path}:v1`)).toMatchObject({ code: 0, stdout: expect.stringContaining("schemaVersion") });
    expect((await run("verify", path)).code).toBe(0);
    expect((await run("doctor", path)).code).toBeOneOf([0, 7]);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("a prefix of other tools may stand before it", async () => {
    expect((await run("ls", `oci-archive:${join(LAYOUTS, "oras-backup.tar")}`)).code).toBe(0);
    expect((await run("cat", `docker-archive:${join(LAYOUTS, "docker-archive.tar")}:v1`)).code).toBe(0);
  });

  test("a conversion in place is refused, and --output writes a layout that says the same", async () => {
    const tar = join(LAYOUTS, "containerd-export.tar");
    const out = join(tempDir(), "out");
    const refused = await run("convert", tar, "--to", "universal");
    expect(refused).toMatchObject({ code: 6, stderr: expect.stringContaining("--output") });
    expect((await run("convert", tar, "--to", "universal", "--output", out)).code).toBe(0);
    const { manifests } = JSON.parse((await run("referrers", `${out}:v1`, "--recursive", "--json")).stdout) as { manifests: unknown[] };
    expect(manifests).toEqual(JSON.parse((await run("referrers", `${tar}:v1`, "--recursive", "--json")).stdout).manifests);
    expect((await run("verify", out)).code).toBe(0);
  });

  test("a compressed one that unpacks to more than --max-size is refused", async () => {
    const path = join(tempDir(), "a.tar.gz");
    await run("copy", "--all", join(LAYOUTS, "oras"), path);
    expect(await run("ls", path, "--max-size", "1k")).toMatchObject({ code: 4, stderr: expect.stringContaining("1000") });
    expect((await run("ls", path)).code).toBe(0);
  });
});

describe("copying to an archive", () => {
  test("the same input gives the same bytes, with oci-layout and index.json first", async () => {
    const directory = tempDir();
    const digests = await Promise.all(
      ["a.tar", "b.tar"].map(async (name) => {
        expect((await run("copy", "--all", join(LAYOUTS, "regclient"), join(directory, name), "--no-sync")).code).toBe(0);
        return createHash("sha256")
          .update(readFileSync(join(directory, name)))
          .digest("hex");
      }),
    );
    expect(digests[0]).toBe(digests[1]);
    expect(readFileSync(join(directory, "a.tar")).subarray(0, 10).toString()).toBe("oci-layout");
  });

  test("there and back again every referrer is found", async () => {
    const directory = tempDir();
    const tar = join(directory, "x.tar");
    expect((await run("copy", `${join(LAYOUTS, "olareg")}:v1`, `${tar}:moved`)).code).toBe(0);
    expect((await run("copy", `${tar}:moved`, join(directory, "back"))).code).toBe(0);
    const listed = async (ref: string): Promise<string> => (await run("referrers", ref, "--recursive", "--json")).stdout;
    expect(await listed(`${join(directory, "back")}:moved`)).toBe(await listed(`${join(LAYOUTS, "olareg")}:v1`));
  });

  test("a file that is there is left alone", async () => {
    const path = join(tempDir(), "x.tar");
    writeFileSync(path, "mine");
    expect((await run("copy", `${join(LAYOUTS, "oras")}:v1`, path)).code).toBe(6);
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  test("what is refused leaves no file", async () => {
    const path = join(tempDir(), "x.tar");
    expect((await run("copy", join(FIXTURES, "edge/docker-types-after-umoci-gc:v1"), path)).code).toBe(3);
    expect(existsSync(path)).toBe(false);
    expect((await run("copy", "--docker", `${join(LAYOUTS, "oras")}:v1`, join(tempDir(), "dir"))).code).toBe(2);
  });

  test("to standard output goes the archive alone", async () => {
    const { code, bytes, stderr } = await run("copy", "--docker", `${join(LAYOUTS, "oras")}:v1`, "-");
    expect(code).toBe(0);
    expect(bytes.subarray(0, 10).toString()).toBe("oci-layout");
    expect(bytes.includes("manifest.json")).toBe(true);
    expect(stderr).toContain("Copied v1");
  });
});
