import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listCommands } from "../src/command-line/command-list.js";
import { CONFIGURABLE, VALUES_OF_ALL } from "../src/command-line/configurable.js";
import type { Flag } from "../src/command-line/define-command.js";
import { globalOptions } from "../src/command-line/global-options.js";
import { configurableNames } from "../src/manual/help.js";
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
    ["{", "config.json is not JSON"],
    ["[]", "config.json is not a JSON object"],
    ['{"json": 1}', "config.json: json is 1, not true or false"],
    ['{"wait": {}}', "config.json: wait is {}, not text"],
    ['{"jsno": true}', "config.json sets jsno, which is not an option to configure\n  hint: Did you mean json?"],
    ['{"force": true}', "config.json sets force, which is not an option to configure"],
    ['{"commands": []}', "config.json: commands is not an object"],
    ['{"commands": {"copi": {}}}', "config.json sets commands.copi, which is not a command\n  hint: Did you mean copy?"],
    ['{"commands": {"ls": true}}', "config.json: commands.ls is not an object"],
    ['{"commands": {"copy": {"forse": true}}}', "sets commands.copy.forse, which is not an option to configure for copy"],
    ['{"commands": {"copy": {"force": true}}}', "sets commands.copy.force, which is not an option to configure for copy"],
    [
      '{"commands": {"copy": {"convention": ["orass"]}}}',
      "config.json: commands.copy.convention cannot be orass\n  hint: Did you mean oras?",
    ],
    ['{"convention": "orass"}', "config.json: convention cannot be orass"],
    ['{"wait": "soon"}', "not a number of seconds (set by "],
  ])("%s exits 2: %s", async (text, says) => {
    const found = await runIn({ env: configured(text) }, "copy", `${ORAS}:v1`, join(tempDir(), "out"));
    expect([found.code, found.stderr]).toEqual([2, expect.stringContaining(says)]);
    expect(found.stderr).not.toContain("usage:");
  });

  test("a default for every command applies where the command knows the value", async () => {
    const usual = await run("ls", ORAS);
    expect(await runIn({ env: { OCILOT_FORMAT: "sarif" } }, "ls", ORAS)).toMatchObject(usual);
    expect(await runIn({ env: configured('{"format": "tree"}') }, "verify", ORAS)).toMatchObject(await run("verify", ORAS));
    expect((await runIn({ env: configured('{"format": "tree"}') }, "ls", ORAS)).stdout).toBe(
      (await run("ls", ORAS, "--format", "tree")).stdout,
    );
    const env = configured('{"format": "json"}');
    expect((await runIn({ env: { ...env, OCILOT_FORMAT: "sarif" } }, "ls", ORAS, "--fields", "digest")).code).toBe(0);
  });

  test.each<[variable: string, file: string, says: string]>([
    ["tre", "{}", "OCILOT_FORMAT cannot be tre\n  hint: Did you mean tree?"],
    ["", '{"format": "xml"}', "config.json: format cannot be xml"],
    ["", '{"commands": {"ls": {"format": "sarif"}}}', "config.json: commands.ls.format cannot be sarif"],
  ])("a value that no command knows, or not the one it is for, names what sets it", async (variable, file, says) => {
    const env = { ...configured(file), OCILOT_FORMAT: variable };
    expect(await runIn({ env }, "ls", ORAS)).toMatchObject({ code: 2, stderr: expect.stringContaining(says) as string });
  });

  test("an option on the command line is not in conflict with a default", async () => {
    expect((await runIn({ env: { OCILOT_JSON: "1" } }, "ls", ORAS, "--fields", "digest")).stdout).toMatch(/^sha256:/);
    expect((await runIn({ env: { OCILOT_JSON: "1" } }, "verify", ORAS, "--format=sarif")).stdout).toContain("sarif");
    expect((await runIn({ env: configured('{"json": true, "format": "sarif"}') }, "verify", ORAS)).code).toBe(0);
  });

  test("a misspelled variable, and one for an option that only the command line gives, is a warning", async () => {
    const told = async (env: Record<string, string>, ...argv: string[]): Promise<string> => (await runIn({ env }, ...argv)).stderr;
    const said = "ocilot: warning: OCILOT_JSN has no effect. Did you mean OCILOT_JSON?\n";
    expect(await told({ OCILOT_JSN: "1" }, "ls", ORAS)).toBe(said);
    expect(await told({ OCILOT_JSN: "1" }, "ls", ORAS, "-q")).toBe("");
    expect(await told({ OCILOT_DRY_RUN: "1" }, "gc", copyOf("layouts/oras"))).toContain("OCILOT_DRY_RUN has no effect: --dry-run");
    const names =
      "TOOLS TOOLS_SUITES BENCH BENCH_REGCTL LONG UPDATE KILL MUTATION_GROUP CHUNKS WRITE_DOCS SITE_BASE SCREENSHOTS FUZZ_SEED FUZZ_INPUTS";
    const others = `${names} CHROMIUM INTEROP_REGISTRY INTEROP_PLACE VERSION DEBUG RECEIPT SIGNATURE`.split(" ");
    expect(await told(Object.fromEntries(others.map((name) => [`OCILOT_${name}`, "1"])), "verify", ORAS)).toBe("");
  });

  test("the list of what can be configured is that of the commands", async () => {
    const commands = await Promise.all((await listCommands()).map((entry) => entry.load()));
    expect(CONFIGURABLE).toEqual(configurableNames(commands));
    const choices = new Map<string, Set<string>>();
    for (const options of [globalOptions, ...commands.map((c) => c.options)])
      for (const [name, flag] of Object.entries(options) as [string, Flag][])
        if (flag.configurable === true && flag.choices !== undefined)
          choices.set(name, (choices.get(name) ?? new Set()).add(flag.choices.join(" ")));
    const differing = [...choices].filter(([, all]) => all.size > 1);
    const merged = differing.map(([name, all]) => [name, [...new Set([...all].flatMap((text) => text.split(" ")))].toSorted()]);
    expect(Object.entries(VALUES_OF_ALL).map(([name, all]) => [name, all.toSorted()])).toEqual(merged);
  });

  test("OCILOT_CONFIG names another file, which must exist", async () => {
    expect(await runIn({ env: { OCILOT_CONFIG: join(tempDir(), "none.json") } }, "ls", ORAS)).toMatchObject({ code: 3 });
  });
});
