import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Layout, digestOf } from "@ocilot/layout";
import { LayoutBuilder } from "@ocilot/testkit";
import { FIXTURES, run, tempDir } from "./helpers.js";

const NOTATION = join(FIXTURES, "layouts", "notation");

async function indexOf(dir: string): Promise<string> {
  return (await (await Layout.open(dir)).index.read()).digest;
}

/** Mounts a file system of that size in memory; false where that is not allowed. It is unmounted when the test ends. */
function mount(directory: string, size: string): boolean {
  mkdirSync(directory, { recursive: true });
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", directory]).status !== 0) return false;
  onTestFinished(() => void execFileSync("umount", [directory]));
  return true;
}

const remount = (directory: string, options: string): unknown => execFileSync("mount", ["-o", `remount,${options}`, directory]);

/** A layout of one image with four layers of that size. */
async function sizedLayout(dir: string, size: number): Promise<string> {
  const b = new LayoutBuilder();
  const config = b.blob('{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json");
  const layers = [1, 2, 3, 4].map((n) => b.blob(Buffer.alloc(size, n), "application/vnd.oci.image.layer.v1.tar"));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  b.entry(b.document({ schemaVersion: 2, mediaType, config, layers }, mediaType), { tag: "v1" });
  await b.directory(join(dir, "sized"));
  return join(dir, "sized");
}

function partsOf(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => /\.part-.*\.tar$/.test(name))
    .map((name) => join(dir, name));
}

describe("media that can be mounted here", () => {
  test("read-only: parts are brought in from there; a destination there is refused with the reason", async (context) => {
    const [disk, far] = [join(tempDir(), "disk"), join(tempDir(), "far")];
    if (!mount(disk, "4m")) return context.skip("a file system cannot be mounted here");
    expect((await run("bundle", NOTATION, "--output", join(disk, "b.tar"), "--split", "24000")).code).toBe(0);
    remount(disk, "ro");
    const parts = partsOf(disk);
    expect(parts.length).toBeGreaterThan(1);
    expect(execFileSync("sha256sum", ["-c", "b.sha256"], { cwd: disk, encoding: "utf8" }).match(/: OK\n/g)).toHaveLength(parts.length);
    for (const part of parts) expect((await run("verify", part)).code).toBe(0);
    expect(await run("unbundle", ...parts, "--into", far)).toMatchObject({ code: 0, stderr: "" });
    const refused = { code: 1, stderr: expect.stringContaining("the file system is read-only") as string };
    expect(await run("unbundle", ...parts, "--into", join(disk, "far"))).toMatchObject(refused);
    expect(await run("unbundle", ...parts, "--into", join(disk, "below", "far"))).toMatchObject(refused);
    expect(await run("bundle", NOTATION, "--output", join(disk, "c.tar"))).toMatchObject(refused);
  });

  test("full: unbundle says so and lists nothing; with more room the same command goes on", async (context) => {
    const [dir, disk] = [tempDir(), join(tempDir(), "disk")];
    if (!mount(disk, "300k")) return context.skip("a file system cannot be mounted here");
    const source = await sizedLayout(dir, 100_000);
    expect((await run("bundle", source, "--output", join(dir, "b.tar"), "--split", "150k")).code).toBe(0);
    const far = join(disk, "far");
    const full = { code: 1, stderr: expect.stringContaining("The disk is full; free some room and run the command again.") as string };
    expect(await run("unbundle", ...partsOf(dir), "--into", far)).toMatchObject(full);
    expect((await (await Layout.open(far)).index.read()).entries).toEqual([]);
    remount(disk, "size=3m");
    const { code, stdout } = await run("unbundle", ...partsOf(dir), "--into", far, "--json");
    expect(code).toBe(0);
    // What had arrived is not written again.
    expect((JSON.parse(stdout) as { written: { bytes: number } }).written.bytes).toBeLessThan(400_000);
    expect(await indexOf(far)).toBe(await indexOf(source));
    expect((await run("verify", far)).code).toBe(0);
  });

  test.for([0, 4, 8, 12, 16, 24, 40, 100])(
    "full at %i kB: unbundle names the destination, leaves no temporary file, and goes on with more room",
    async (room, context) => {
      const [dir, disk] = [tempDir(), join(tempDir(), "disk")];
      if (!mount(disk, "300k")) return context.skip("a file system cannot be mounted here");
      const source = await sizedLayout(dir, 20_000);
      expect((await run("bundle", source, "--output", join(dir, "b.tar"))).code).toBe(0);
      writeFileSync(join(disk, "fill"), Buffer.alloc((300 - room) << 10));
      const far = join(disk, "far");
      const { code, stderr } = await run("unbundle", join(dir, "b.tar"), "--into", far);
      expect([code, stderr]).toEqual([1, expect.stringMatching(new RegExp(`^ocilot: ${disk}[^ ]*: ENOSPC`))]);
      expect(stderr).not.toContain(".ocilot-tmp");
      const left = readdirSync(disk, { recursive: true }) as string[];
      expect(left.filter((name) => name.includes(".ocilot-tmp"))).toEqual([]);
      rmSync(join(disk, "fill"));
      expect(await run("unbundle", join(dir, "b.tar"), "--into", far)).toMatchObject({ code: 0, stderr: "" });
      expect(await indexOf(far)).toBe(await indexOf(source));
    },
  );

  test("full: bundle names the part that has no room, and leaves nothing", async (context) => {
    const [dir, disk] = [tempDir(), join(tempDir(), "disk")];
    if (!mount(disk, "200k")) return context.skip("a file system cannot be mounted here");
    const source = await sizedLayout(dir, 100_000);
    for (const [output, named, ...split] of [
      ["b.tar", "b.tar"],
      ["b.tar", "b.part-002-of-004.tar", "--split", "150k"],
    ]) {
      const { code, stderr } = await run("bundle", source, "--output", join(disk, output!), ...split);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${join(disk, named!)}: ENOSPC`)]);
      expect(readdirSync(disk)).toEqual([]);
    }
  });
});

describe("media that bundles are carried on", () => {
  test("several mount points, which are only read", async () => {
    const [made, media, far] = [tempDir(), tempDir(), join(tempDir(), "far")];
    const whole = (await run("bundle", NOTATION, "--output", join(made, "b.tar"), "--split", "24000")).code;
    expect(whole).toBe(0);
    const parts = readdirSync(made).filter((name) => name.endsWith(".tar"));
    expect(parts.length).toBeGreaterThan(1);
    const places = parts.map((name, i) => {
      mkdirSync(join(media, `disk-${i}`));
      cpSync(join(made, name), join(media, `disk-${i}`, name));
      return join(media, `disk-${i}`, name);
    });
    const state = (): string[] =>
      (readdirSync(media, { recursive: true }) as string[]).toSorted().map((name) => {
        const { mtimeMs, size, ino } = statSync(join(media, name));
        return `${name} ${mtimeMs} ${size} ${ino}`;
      });
    const before = state();
    const { code, stderr } = await run("unbundle", ...places.toReversed(), "--into", far);
    expect([code, stderr]).toEqual([0, ""]);
    expect(state()).toEqual(before);
    expect((await run("verify", far)).code).toBe(0);
  });

  test.skipIf(process.platform === "win32")("a tape: a file that can only be read from its beginning to its end, once", async () => {
    const [dir, far] = [tempDir(), join(tempDir(), "far")];
    for (const name of ["b.tar", "b.tar.gz"]) {
      const [file, tape] = [join(dir, name), join(dir, `${name}.tape`)];
      expect((await run("bundle", NOTATION, "--output", file)).code).toBe(0);
      execFileSync("mkfifo", [tape]);
      const writer = spawn("sh", ["-c", 'cat "$0" > "$1"', file, tape], { stdio: "ignore" });
      const ended = new Promise((resolve) => writer.once("exit", resolve));
      expect((await run("unbundle", tape, "--into", `${far}-${name}`)).code).toBe(0);
      expect(await ended).toBe(0);
    }
    expect(await indexOf(`${far}-b.tar`)).toBe(await indexOf(`${far}-b.tar.gz`));
  });

  test("FAT32: no file over 4 GiB - 1, and names that it can hold", async () => {
    const b = new LayoutBuilder();
    const config = b.blob('{"architecture":"amd64","os":"linux"}', "application/vnd.oci.image.config.v1+json");
    const sizes = [5 * 2 ** 30, 3 * 2 ** 30, 2 ** 32 - 1];
    const layers = sizes.map((size, i) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      digest: digestOf(Buffer.from(`layer ${i}`)),
      size,
    }));
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    b.entry(b.document({ schemaVersion: 2, mediaType, config, layers }, mediaType), { tag: "v1" });
    const dir = join(tempDir(), "large");
    await b.directory(dir);
    // Only the sizes matter: a plan reads manifests.
    for (const { digest, size } of layers) {
      const path = join(dir, "blobs", "sha256", digest.slice("sha256:".length));
      writeFileSync(path, "");
      truncateSync(path, size);
    }
    const { code, stdout } = await run("bundle", dir, "--output", "update.tar", "--split", "fat32", "--plan", "--json");
    expect(code).toBe(0);
    const { parts } = JSON.parse(stdout) as { parts: { name: string; size: number }[] };
    expect(parts.reduce((sum, p) => sum + p.size, 0)).toBeGreaterThan(sizes.reduce((sum, size) => sum + size, 0));
    for (const { name, size } of parts) {
      expect(size).toBeLessThanOrEqual(2 ** 32 - 1);
      expect(name).toMatch(/^[^\\/:*?"<>|\p{Cc}]{1,255}$/u);
      expect(name).not.toMatch(/[. ]$/);
    }
  });
});
