import { describe, expect, test } from "vitest";
import { COMMANDS } from "../src/commands/registry.js";
import { suggest } from "../src/suggest.js";
import { run } from "./helpers.js";

describe("the command line", () => {
  test.each(COMMANDS.map((c) => c.name))("help of %s starts with examples of itself", async (name) => {
    for (const argv of [
      [name, "--help"],
      [name, "-h"],
      ["help", name],
    ]) {
      const { code, stdout } = await run(...argv);
      expect(code).toBe(0);
      const lines = stdout.split("\n");
      expect(lines[0]).toBe("Examples:");
      const examples = lines.slice(1, lines.indexOf("")).filter((line) => line.startsWith("  ocilot "));
      expect(examples.length).toBeGreaterThanOrEqual(1);
      expect(examples.length).toBeLessThanOrEqual(3);
      for (const line of examples) expect(line).toMatch(new RegExp(`^  ocilot ${name} `));
      expect(lines[lines.indexOf("") + 1]).toMatch(new RegExp(`^Usage: ocilot ${name} `));
      expect(Math.max(...lines.slice(lines.indexOf("")).map((l) => l.length))).toBeLessThanOrEqual(140);
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
    expect(stderr).toMatch(/^Examples:/);
  });

  test("--version prints one line", async () => {
    expect(await run("--version")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+.*\n$/) as string });
  });

  test.each([
    [["convrt"], "convrt is not a command", "Did you mean convert?"],
    [["refs"], "refs is not a command", "Commands are: ls, referrers"],
    [["--scan", "ls"], "--scan stands before the command", "Put options behind the command."],
    [["ls", "x", "--jsn"], "unknown option --jsn", "Did you mean --json?"],
    [["ls", "x", "--zzz"], "unknown option --zzz", "Options are: --verbose"],
    [["ls", "x", "-q"], "unknown option -q", "usage: ocilot ls LAYOUT"],
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

  test("--json before the command is a mistake too, said in JSON", async () => {
    const { code, stderr } = await run("--json", "ls");
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "USAGE", hint: "Put options behind the command." } });
  });

  test("with --json an error is one JSON document", async () => {
    const { code, stdout, stderr } = await run("ls", "/no/such", "--json");
    expect([code, stdout]).toEqual([3, ""]);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: "PATH_NOT_FOUND", message: "/no/such does not exist", details: { path: "/no/such" } },
    });
  });

  test("a path that looks like a number or an option can be given", async () => {
    expect((await run("ls", "1e3")).stderr).toContain("1e3 does not exist");
    expect((await run("ls", "--", "--json")).stderr).toBe("ocilot: --json does not exist\n");
  });

  test("suggest", () => {
    expect(suggest("covnert", ["ls", "convert"])).toBe("convert");
    expect(suggest("sl", ["ls", "convert"])).toBe("ls");
    expect(suggest("dry", ["dry-run", "json"])).toBe("dry-run");
    expect(suggest("zzzz", ["ls", "convert"])).toBeUndefined();
    expect(suggest("x", [])).toBeUndefined();
  });
});
