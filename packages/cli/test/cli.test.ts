import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listCommands } from "../src/command-line/command-list.js";
import { nearest } from "../src/nearest.js";
import { FIXTURES, run, tempDir } from "./helpers.js";

const ORAS = join(FIXTURES, "layouts/oras");
const COMMANDS = await listCommands();

describe("the command line", () => {
  test.each(COMMANDS.map((c) => c.name))("help of %s: what it does, its usage, arguments and options in groups, examples", async (name) => {
    for (const argv of [
      [name, "--help"],
      [name, "-h"],
      ["help", name],
    ]) {
      const { code, stdout } = await run(...argv);
      expect(code).toBe(0);
      const lines = stdout.split("\n");
      expect(lines[0]).toMatch(/^[A-Z].+[^.]$/);
      expect(lines[2]).toMatch(new RegExp(`^Usage: ocilot ${name}( |$)`));
      const headings = lines.filter((line) => /^[A-Z].*:$/.test(line));
      expect(headings).toEqual(expect.arrayContaining(["Output:", "Examples:"]));
      const examples = lines.slice(lines.indexOf("Examples:") + 1).filter((line) => line.startsWith("  ocilot "));
      expect(examples.length).toBeGreaterThanOrEqual(1);
      expect(examples.length).toBeLessThanOrEqual(4);
      for (const line of examples) expect(line).toMatch(new RegExp(`^  ocilot ${name} `));
      expect(Math.max(...lines.map((l) => l.length))).toBeLessThanOrEqual(140);
    }
  });

  test("--help and help list every command on standard output", async () => {
    for (const argv of ["--help", "-h", "help"]) {
      const { code, stdout } = await run(argv);
      expect(code).toBe(0);
      for (const { name } of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
    }
  });

  test("nothing at all is a mistake: help on standard error, exit 2", async () => {
    const { code, stdout, stderr } = await run();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^OCI Image Layouts/);
  });

  test("--version prints one line", async () => {
    expect(await run("--version")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+.*\n$/) as string });
  });

  test.each([
    [["convrt"], "convrt is not a command", "Did you mean convert?"],
    [["refs"], "refs is not a command", "Commands are: attach, bundle, cat"],
    [["--scan", "ls"], "unknown option before the command: --scan", "Options go after the command name."],
    [["version"], "version is not a command", "Use: ocilot --version"],
    [["ls", "x", "--wait", "5"], "ls has no --wait", "--wait is for commands that write to a layout"],
    [["ls", "x", "--quiet", "--verbose"], "--verbose and --quiet exclude each other", "usage: "],
    [["convert", "x", "--to", "oras", "--check", "--output", "y"], "--check and --output exclude each other", "usage: "],
    [["push"], "push is not a command", "ocilot copy LAYOUT:TAG docker://"],
    [["rm"], "rm is not a command", "ocilot untag"],
    [["ls", "x", "--jsn"], "unknown option --jsn", "Did you mean --json?"],
    [["ls", "x", "--zzz"], "unknown option --zzz", "Options are: --scan"],
    [["ls", "x", "-z"], "unknown option -z", "usage: ocilot ls LAYOUT"],
    [["ls"], "ls needs LAYOUT", "usage: ocilot ls LAYOUT"],
    [["ls", ""], "LAYOUT is empty", "usage: ocilot ls LAYOUT"],
    [["ls", "x", "y"], "ls does not take a further argument: y", "usage: ocilot ls LAYOUT"],
    [["extract", "x"], "--output is required", "usage: ocilot extract REF"],
    [["extract", "x", "--output", "a", "--output", "b"], "--output is given more than once", "usage: ocilot extract REF"],
    [["extract", "x", "--output="], "--output needs a value", "usage: ocilot extract REF"],
    [["extract", "x", "--output"], "--output needs a value", "usage: ocilot extract REF"],
    [["extract", "x", "--output", "--all"], "--output needs a value", "usage: ocilot extract REF"],
    [["extract", "x", "--output", "-:text/plain"], "--output needs a value", "usage: ocilot extract REF"],
    [["ls", "x", "--json=true"], "--json takes no value", "usage: ocilot ls LAYOUT"],
    [["ls", "x", "-qz"], "unknown option -z", "usage: "],
    [["ls", "x", "--log-format", "xml"], "--log-format cannot be xml", "It is one of: text, json."],
    [["extract", "x", "-o"], "--output needs a value", "usage: "],
    [["attach", "x", "file", "--manifest", "m"], "--manifest and FILE exclude each other", "usage: "],
    [["copy", "x", "y", "--rewrite-index"], "--rewrite-index needs --platform as well", "usage: "],
    [["ls", "x", "--no-json"], "unknown option --no-json", "usage: "],
    [["ls", "x", "--json.a"], "unknown option --json.a", "usage: "],
  ])("%j exits 2", async (argv, message, hint) => {
    const { code, stdout, stderr } = await run(...argv);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.split("\n")[0]).toBe(`ocilot: ${message}`);
    expect(stderr).toContain(hint);
    expect(stderr).toContain("usage: ");
  });

  test("a switch may be given again, and after -- nothing is an option", async () => {
    expect((await run("ls", "/no/such", "--json", "--json")).code).toBe(3);
    const { code, stderr } = await run("ls", "--", "--json");
    expect([code, stderr.split("\n")[0]]).toEqual([3, "ocilot: --json does not exist"]);
  });

  test("--json may stand before the command; another option of a command may not, and is told in JSON", async () => {
    const usual = await run("ls", ORAS, "--json");
    for (const option of ["--json", "-j"]) expect(await run(option, "ls", ORAS)).toEqual(usual);
    const { code, stderr } = await run("--json", "--scan", "ls");
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "USAGE", hint: "Options go after the command name." } });
  });

  test("files of an image: the hint names --kind before --artifact-type", async () => {
    const { code, stderr } = await run("extract", `${ORAS}:v1`, "--output", join(tempDir(), "out"));
    expect([code, stderr]).toEqual([2, expect.stringContaining("referrers with --kind (sbom, signature, …) or --artifact-type")]);
  });

  test("--help lists the letters of --help and --version, and where defaults come from", async () => {
    const { stdout } = await run("--help");
    expect(stdout).toMatch(/^  -h, --help .*\n  -V, --version /m);
    expect(stdout).toContain("~/.config/ocilot/config.json, and variables such as OCILOT_JSON=1");
    expect((await run("-V")).stdout).toBe((await run("--version")).stdout);
  });

  test("with --json an error is one JSON document", async () => {
    const { code, stdout, stderr } = await run("ls", "/no/such", "--json");
    expect([code, stdout]).toEqual([3, ""]);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: "PATH_NOT_FOUND",
        message: "/no/such does not exist",
        hint: "List what is there with: ls /",
        details: { path: "/no/such" },
      },
    });
  });

  test("a path that looks like a number or an option can be given", async () => {
    expect((await run("ls", "1e3")).stderr).toContain("1e3 does not exist");
    expect((await run("ls", "--", "--json")).stderr).toContain("ocilot: --json does not exist\n");
  });

  test("true and false are values like any other", async () => {
    expect((await run("ls", "true")).stderr).toContain("true does not exist");
    expect((await run("ls", "--json", "false")).stderr).toContain("false does not exist");
  });

  test.each([
    ["list", "ls"],
    ["discover", "referrers"],
    ["tree", "referrers"],
    ["fetch", "cat"],
    ["cp", "copy"],
  ])("%s is another name of %s", async (alias, name) => {
    expect((await run(alias, "--help")).stdout).toBe((await run(name, "--help")).stdout);
  });

  test("nearest", () => {
    expect(nearest("covnert", ["ls", "convert"])).toBe("convert");
    expect(nearest("sl", ["ls", "convert"])).toBe("ls");
    expect(nearest("dry", ["dry-run", "json"])).toBe("dry-run");
    expect(nearest("zzzz", ["ls", "convert"])).toBeUndefined();
    expect(nearest("x", [])).toBeUndefined();
  });
});
