import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const OS = { darwin: "macos", win32: "win" }[process.platform as string] ?? process.platform;
const EXECUTABLE = `ocilot-${OS}-${process.arch}${process.platform === "win32" ? ".exe" : ""}`;

/** Loaded before the program: writes what its threads answer to standard error. */
const WATCH_THREADS = `
  const threads = require("node:worker_threads");
  threads.Worker = class extends threads.Worker {
    constructor(...args) {
      super(...args);
      this.on("message", ({ hex }) => hex && process.stderr.write("moved in a thread: " + hex + "\\n"));
    }
  };`;

let directory: string;
let built: string;

/** What `npm run build:single` gives, outside of the checkout: nothing beside it could be loaded by accident. */
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ocilot-single-"));
  built = join(directory, "built");
  execFileSync(process.execPath, [join(root, "packages/cli/build-single.mjs"), built], { stdio: "pipe" });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("SHA256SUMS covers every file, among them the licences of what is inside", () => {
  const sums = readFileSync(join(built, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  for (const line of sums) {
    const [digest, name] = line.split("  ") as [string, string];
    expect(
      createHash("sha256")
        .update(readFileSync(join(built, name)))
        .digest("hex"),
      name,
    ).toBe(digest);
  }
  const names = sums.map((line) => line.split("  ")[1]!);
  const present = readdirSync(built, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(names).toHaveLength(present.length - 1);
  const expected = ["LICENSE.txt", "LICENSE-NODE.txt", "THIRD-PARTY-LICENSES.txt", "sbom.cdx.json", "man/ocilot-copy.1"];
  expect(names).toEqual(expect.arrayContaining(["ocilot.mjs", EXECUTABLE, ...expected]));
});

describe.each([
  ["the one file", () => [process.execPath, join(built, "ocilot.mjs")]],
  ["the executable", () => [join(built, EXECUTABLE)]],
] as const)("%s", (name, command) => {
  let home: string;
  let options: string | undefined;
  // No PATH, no HOME: nothing that is installed on this machine is found.
  const environment = (): NodeJS.ProcessEnv => ({
    PATH: "",
    XDG_CACHE_HOME: join(home, "cache"),
    ...(options && { NODE_OPTIONS: options }),
  });

  function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program, ...before] = command();
    return new Promise((resolve) => {
      execFile(program!, [...before, ...argv], { cwd: home, env: environment() }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr }),
      );
    });
  }

  beforeAll(() => {
    home = join(directory, name.replaceAll(" ", "-"));
    mkdirSync(home);
    writeFileSync(join(home, "watch-threads.cjs"), WATCH_THREADS);
    for (const layout of ["oras", "cosign-tags"]) cpSync(join(root, "fixtures/layouts", layout), join(home, layout), { recursive: true });
  });

  test("prints version, help of a command and a completion script", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as { version: string };
    expect(await run("--version")).toMatchObject({ code: 0, stdout: expect.stringContaining(version), stderr: "" });
    expect((await run("copy", "--help")).stdout).toContain("Usage: ocilot copy");
    expect((await run("completion", "bash")).stdout).toContain("complete ");
    expect((await run("refferers")).code).toBe(2);
  });

  test("every command is in it", async () => {
    const commands = readdirSync(join(root, "packages/cli/src/commands")).map((file) => file.replace(/\.ts$/, ""));
    expect(commands.length).toBeGreaterThan(15);
    // An unknown option is refused by the module of the command, so the module has been loaded.
    for (const verb of commands) {
      const { code, stderr } = await run(verb, "--no-such-option");
      expect({ verb, code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown option --no-such-option") });
    }
  });

  test("answers from the bytecode that an earlier run kept", async () => {
    const first = await run("referrers", "oras", "--json");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(join(home, "cache/ocilot")).length).toBeGreaterThan(3);
    expect(await run("referrers", "oras", "--json")).toEqual(first);
  });

  test("copies large blobs with threads, verifies, converts, packs and reports", async () => {
    // Two blobs above what is moved without a thread.
    for (const i of [1, 2]) {
      writeFileSync(join(home, `large-${i}`), randomBytes(24 << 20));
      expect((await run("attach", "oras:v1", `large-${i}:application/x-large`, "--artifact-type", `application/x-large${i}`)).code).toBe(0);
    }
    // A thread that fails is no error, the main thread moves the blob then: so look at what a thread answers.
    options = `--require ./watch-threads.cjs`;
    const { code, stderr } = await run("copy", "--all", "oras", "copied");
    options = undefined;
    expect(code).toBe(0);
    if (availableParallelism() > 1) expect(stderr).toMatch(/^moved in a thread: [0-9a-f]{64}$/m);
    expect(await run("verify", "copied")).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing found") });
    expect(await run("convert", "cosign-tags", "--to", "universal", "--output", "converted")).toMatchObject({ code: 0 });
    expect(await run("verify", "converted")).toMatchObject({ code: 0 });
    for (const archive of ["packed.tar", "packed.tar.gz"]) {
      expect(await run("copy", "--all", "cosign-tags", archive)).toMatchObject({ code: 0 });
      expect((await run("ls", archive)).stdout).toContain("DIGEST");
    }
    expect(await run("view", "cosign-tags", "--output", "report.html")).toMatchObject({ code: 0 });
    expect(readFileSync(join(home, "report.html"), "utf8")).toMatch(/^<!doctype html>[\s\S]*<style>/i);
  });

  test("serves a registry with its page, and copies from it", async () => {
    const [program, ...before] = command();
    const server: ChildProcess = spawn(program!, [...before, "serve", "cosign-tags", "--name", "app", "--addr", "127.0.0.1:0"], {
      cwd: home,
      env: environment(),
    });
    try {
      const address = await new Promise<string>((resolve, reject) => {
        let text = "";
        const listen = (piece: Buffer): void => {
          text += piece.toString();
          const found = /127\.0\.0\.1:[1-9]\d*/.exec(text);
          if (found !== null) resolve(found[0]);
        };
        server.stdout!.on("data", listen);
        server.stderr!.on("data", listen);
        server.once("exit", () => reject(new Error(text)));
      });
      const page = await fetch(`http://${address}/`, { headers: { accept: "text/html" } });
      expect(page.status).toBe(200);
      expect(await page.text()).toContain("app");
      const { tags } = (await (await fetch(`http://${address}/v2/app/tags/list`)).json()) as { tags: string[] };
      expect(await run("copy", `docker://${address}/app:${tags.find((tag) => !tag.startsWith("sha256-"))}`, "pulled")).toMatchObject({
        code: 0,
      });
      expect(await run("verify", "pulled")).toMatchObject({ code: 0 });
    } finally {
      server.kill("SIGKILL");
    }
  });
});
