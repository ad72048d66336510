import { cpSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyOf, run, tempDir } from "./helpers.js";

/** A layout as Bazel makes it: each blob is a relative link to the same blob of a sibling layout. */
function bazelLayout(): { layout: string; base: string } {
  const parent = tempDir();
  const base = join(parent, "base");
  renameSync(copyOf("layouts/oras"), base);
  const layout = join(parent, "app");
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  for (const file of ["oci-layout", "index.json"]) symlinkSync(join("..", "base", file), join(layout, file));
  for (const name of readdirSync(join(base, "blobs/sha256")))
    symlinkSync(join("../../../base/blobs/sha256", name), join(layout, "blobs/sha256", name));
  return { layout, base };
}

test("a layout of links is refused with a message that says so, and copied out with --follow-links", async () => {
  const { layout, base } = bazelLayout();
  const out = join(tempDir(), "out");
  for (const args of [
    ["ls", layout],
    ["copy", "--all", layout, out],
    ["copy", `${layout}:v1`, out],
  ]) {
    const { code, stderr } = await run(...args);
    expect(code, args.join(" ")).toBe(6);
    expect(stderr).toContain("is a link that leads out of the layout");
    expect(stderr).toContain("--follow-links");
    expect(stderr).not.toMatch(/missing|corrupt|repair/);
  }
  expect((await run("copy", "--all", "--follow-links", layout, out)).code).toBe(0);
  expect(readdirSync(join(out, "blobs/sha256")).toSorted()).toEqual(readdirSync(join(base, "blobs/sha256")).toSorted());
  for (const name of readdirSync(join(out, "blobs/sha256"))) expect(lstatSync(join(out, "blobs/sha256", name)).isFile()).toBe(true);
  expect((await run("verify", out)).code).toBe(0);
  const tar = join(tempDir(), "out.tar");
  expect((await run("copy", "--follow-links", `${layout}:v1`, tar)).code).toBe(0);
  expect((await run("verify", tar)).code).toBe(0);
});

test("links in a layout whose own files are real: verify and ls say link, and advise no repair", async () => {
  const { layout, base } = bazelLayout();
  for (const file of ["oci-layout", "index.json"]) {
    rmSync(join(layout, file));
    cpSync(join(base, file), join(layout, file));
  }
  expect((await run("ls", layout)).stdout).toContain("(link out of the layout)");
  const { code, stdout } = await run("verify", layout);
  expect(code).toBe(4);
  expect(stdout).toContain("is a link that leads out of the layout");
  expect(stdout).toContain("fix: If you trust what it leads to, copy its content out with: ocilot copy --all --follow-links");
  expect(stdout).not.toMatch(/ocilot repair|missing|corrupt/);
});

test("a copy that was killed before its target was a layout is finished by the next one", async () => {
  for (const left of ["blobs", "blobs/sha256"]) {
    const out = join(tempDir(), "out");
    mkdirSync(join(out, left), { recursive: true });
    expect(await run("copy", "--all", copyOf("layouts/oras"), out)).toMatchObject({ code: 0 });
    expect((await run("verify", out)).code).toBe(0);
  }
  const out = join(tempDir(), "init");
  mkdirSync(join(out, "blobs"), { recursive: true });
  expect((await run("init", out)).code).toBe(0);
});
