import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURES, LayoutBuilder, copyOf, run, runIn, tempDir } from "./helpers.js";

const ORAS = join(FIXTURES, "layouts/oras");

/** A layout that is read with a warning. */
function oddLayout(): string {
  const dir = copyOf("layouts/oras");
  writeFileSync(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.1.0"}');
  return dir;
}

function configured(text: string): Record<string, string> {
  const home = tempDir();
  mkdirSync(join(home, "ocilot"));
  writeFileSync(join(home, "ocilot/config.json"), text);
  return { XDG_CONFIG_HOME: home };
}

describe("global options", () => {
  test("--quiet prints results and no warning, before the command as well as after it", async () => {
    const dir = oddLayout();
    const usual = await run("ls", dir);
    expect(usual.stderr).toContain("ocilot: warning: ");
    for (const argv of [
      ["--quiet", "ls", dir],
      ["ls", "-q", dir],
    ])
      expect(await run(...argv)).toMatchObject({ code: 0, stdout: usual.stdout, stderr: "" });
    expect(await run("copy", "-q", `${ORAS}:v1`, join(tempDir(), "out"))).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect((await run("ls", "-q", join(dir, "nowhere"))).stderr).toContain("does not exist");
  });

  test("--log-format json makes every message one JSON document", async () => {
    const { stdout, stderr } = await run("--log-format=json", "ls", oddLayout());
    expect(stdout).toContain("IMAGE");
    expect(JSON.parse(stderr)).toEqual({ level: "warning", message: expect.stringContaining("1.1.0") as string });
    const failed = await run("--log-format", "json", "ls", "nowhere");
    expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: "PATH_NOT_FOUND" } });
  });

  test("color only where a terminal or FORCE_COLOR asks for it, and never with NO_COLOR or --no-color", async () => {
    const dir = oddLayout();
    const isColored = async (env: Record<string, string>, ...argv: string[]): Promise<boolean> =>
      (await runIn({ env }, "ls", dir, ...argv)).stderr.includes("\u001b[");
    expect(await isColored({})).toBe(false);
    expect(await isColored({ FORCE_COLOR: "1" })).toBe(true);
    expect(await isColored({ FORCE_COLOR: "1", NO_COLOR: "1" })).toBe(false);
    expect(await isColored({ FORCE_COLOR: "1" }, "--no-color")).toBe(false);
  });
});

describe("progress", () => {
  /** Runs gc for longer than a second, as another process holds the lock, with a terminal on standard error. */
  async function waiting(...argv: string[]): Promise<string> {
    const dir = copyOf("layouts/oras");
    writeFileSync(join(dir, ".ocilot-lock"), JSON.stringify({ host: "elsewhere", pid: 1, nonce: "00" }));
    const { code, stderr } = await runIn({ isStderrTTY: true }, "gc", dir, "--wait", "1.5", ...argv);
    expect(code).toBe(5);
    return stderr;
  }

  test("is a line on a terminal that goes away, and not with --no-progress, --quiet or --json", async () => {
    const shown = await waiting();
    expect(shown).toMatch(/\rCollecting, \d+ s/);
    expect(shown).toContain("\r\x1b[Jocilot: ");
    for (const option of ["--no-progress", "--progress=none", "--quiet", "--json"])
      expect(await waiting(option)).not.toContain("Collecting");
  });
});

describe("OCILOT_ variables and the configuration file", () => {
  test("a variable sets an option, the command line overrides it", async () => {
    expect(JSON.parse((await runIn({ env: { OCILOT_JSON: "1" } }, "ls", ORAS)).stdout)).toHaveProperty("images");
    expect((await runIn({ env: { OCILOT_JSON: "0" } }, "ls", ORAS)).stdout).toMatch(/^IMAGE/);
    expect(await runIn({ env: { OCILOT_JSON: "maybe" } }, "ls", ORAS)).toMatchObject({ code: 2 });
    expect(await runIn({ env: { OCILOT_LOG_FORMAT: "xml" } }, "ls", ORAS)).toMatchObject({ code: 2 });
  });

  test("what deletes or overrides cannot be set so", async () => {
    const dir = new LayoutBuilder().write();
    const { stdout } = await runIn({ env: { OCILOT_DRY_RUN: "1", OCILOT_GRACE: "0s", OCILOT_PRUNE_DANGLING: "1" } }, "gc", dir, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: false });
  });

  test("the file sets options for all commands or for one; a variable overrides it", async () => {
    const env = configured('{"json": true, "commands": {"copy": {"convention": ["olareg"]}, "ls": {"json": false}}}');
    expect((await runIn({ env }, "ls", ORAS)).stdout).toMatch(/^IMAGE/);
    const out = join(tempDir(), "out");
    expect(JSON.parse((await runIn({ env }, "copy", `${ORAS}:v1`, out)).stdout)).toMatchObject({ tag: "v1" });
    expect((await run("ls", out)).stdout).toContain("Conventions in use: olareg");
    expect((await runIn({ env: { ...env, OCILOT_JSON: "0" } }, "copy", `${ORAS}:v1`, out)).stdout).toMatch(/^Copied/);
  });

  test.each([
    ["{", "is not JSON"],
    ["[]", "is not a JSON object"],
    ['{"json": 1}', "not to true or false"],
    ['{"wait": {}}', "not to text"],
    ['{"commands": {"copy": {"forse": true}}}', "which is not an option to configure"],
    ['{"commands": {"copy": {"force": true}}}', "which is not an option to configure"],
    ['{"commands": {"copy": {"convention": ["orass"]}}}', "--convention cannot be orass"],
  ])("%s exits 2: %s", async (text, says) => {
    const found = await runIn({ env: configured(text) }, "copy", `${ORAS}:v1`, join(tempDir(), "out"));
    expect([found.code, found.stderr]).toEqual([2, expect.stringContaining(says)]);
  });

  test("OCILOT_CONFIG names another file, which must exist", async () => {
    expect(await runIn({ env: { OCILOT_CONFIG: join(tempDir(), "none.json") } }, "ls", ORAS)).toMatchObject({ code: 3 });
  });
});
