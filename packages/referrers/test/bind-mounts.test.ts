import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Layout, digestOf } from "@ocilot/layout";
import { LayoutBuilder, tempDir } from "@ocilot/testkit";
import { describe, expect, it } from "vitest";

/** Whether this process may make a name space of its own and mount in it: on Linux, as root, outside most containers. */
const canMount = ((): boolean => {
  if (process.platform !== "linux") return false;
  const dir = mkdtempSync(join(tmpdir(), "ocilot-test-"));
  mkdirSync(join(dir, "a"));
  mkdirSync(join(dir, "b"));
  const { status } = spawnSync("unshare", ["-m", "mount", "--bind", join(dir, "a"), join(dir, "b")]);
  rmSync(dir, { recursive: true });
  return status === 0;
})();
if (!canMount) process.stderr.write("bind mounts: not tried here, because this process may not mount\n");

const PROGRAM = `
const { Layout } = await import(process.env.LAYOUT_MODULE);
const { collectGarbage, copyLayout } = await import(process.env.REFERRERS_MODULE);
const [task, from, to] = process.argv.slice(1);
const layout = await Layout.open(from, { sync: false });
const result = task === "gc" ? await collectGarbage(layout, { grace: 0 }) : await copyLayout(layout, await Layout.open(to, { sync: false }), { force: true });
console.log(JSON.stringify(result));
`;

/** Runs a task with `from` mounted over `to`, where nobody else sees the mount. */
function underMount(from: string, to: string, ...task: string[]): Record<string, unknown> {
  const module = (name: string): string => fileURLToPath(new URL(`../../${name}/dist/index.js`, import.meta.url));
  const env = { ...process.env, LAYOUT_MODULE: module("layout"), REFERRERS_MODULE: module("referrers") };
  const script = 'mount --bind "$0" "$1" && shift && exec "$@"';
  const args = ["-m", "sh", "-c", script, from, to, process.execPath, "--input-type=module", "-e", PROGRAM, ...task];
  const { status, stdout, stderr } = spawnSync("unshare", args, { env, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** A layout with one tagged image and one blob that nothing needs. */
async function layoutWithGarbage(): Promise<{ dir: string; names: string[]; garbage: string }> {
  const b = new LayoutBuilder();
  b.entry(b.image(), { tag: "v1" });
  const garbage = b.blob("garbage").digest.slice(7);
  const dir = join(tempDir(), "layout");
  await b.directory(dir);
  return { dir, garbage, names: readdirSync(join(dir, "blobs/sha256")).toSorted() };
}

describe.runIf(canMount)("what is mounted twice is one file", () => {
  it("an algorithm directory: gc removes no content in use", async () => {
    const { dir, names, garbage } = await layoutWithGarbage();
    const other = join(dir, "blobs/blake3");
    mkdirSync(other);
    underMount(join(dir, "blobs/sha256"), other, "gc", dir);
    expect(readdirSync(join(dir, "blobs/sha256")).filter((name) => name !== garbage)).toEqual(names.filter((name) => name !== garbage));
  });

  it("a blob: gc removes no content in use", async () => {
    const { dir, names, garbage } = await layoutWithGarbage();
    const kept = names.find((name) => name !== garbage)!;
    const other = join(dir, "blobs/sha512");
    mkdirSync(other);
    const alias = join(other, digestOf(new TextEncoder().encode("x"), "sha512").slice(7));
    writeFileSync(alias, "");
    underMount(join(dir, "blobs/sha256", kept), alias, "gc", dir);
    expect(existsSync(join(dir, "blobs/sha256", kept))).toBe(true);
    expect(readdirSync(join(dir, "blobs/sha256"))).toEqual(names.filter((name) => name !== garbage));
  });

  it("a layout: a copy of it into itself writes no blob and loses none", async () => {
    const { dir, names } = await layoutWithGarbage();
    const other = join(tempDir(), "other");
    mkdirSync(other);
    expect(underMount(dir, other, "copy", dir, other)).toMatchObject({ written: { blobs: 0 }, present: 3 });
    expect(readdirSync(join(dir, "blobs/sha256")).toSorted()).toEqual(names);
    expect((await (await Layout.open(dir)).index.read()).entries).toHaveLength(1);
  });
});
