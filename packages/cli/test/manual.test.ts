import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listCommands } from "../src/command-line/command-list.js";
import type { Command } from "../src/command-line/define-command.js";
import { manPages } from "../src/manual/man-page.js";
import { referencePage } from "../src/manual/reference-page.js";

const commands: Command[] = await Promise.all((await listCommands()).map((entry) => entry.load()));
const hasMan = spawnSync("man", ["--version"]).status === 0;

test("docs/cli.md is what the definitions say (vitest -u writes it)", async () => {
  await expect(referencePage(commands)).toMatchFileSnapshot("../../../docs/cli.md");
});

test("every link of the reference page leads to a command", () => {
  const page = referencePage(commands);
  for (const [, target] of page.matchAll(/\]\(#([^)]+)\)/g))
    expect(page.toLowerCase()).toContain(`## ${target!.replace("ocilot-", "ocilot ")}\n`);
});

describe("definitions", () => {
  test.each(commands.map((c) => [c.name, c] as const))("%s is complete and plain", (name, command) => {
    expect(command.usage.split(" ")[0]).toBe(name);
    for (const other of command.seeAlso ?? []) expect(commands.map((c) => c.name)).toContain(other);
    for (const [option, flag] of Object.entries(command.options)) {
      expect(flag.describe, option).toMatch(/^[A-Z][^.]*(?:\.[^ ][^.]*)*$/);
      if (flag.type === "string") expect(flag.placeholder, option).toBeDefined();
    }
  });

  test("a letter means the same option everywhere", () => {
    const letters = new Map<string, string>();
    for (const { options } of commands)
      for (const [option, { alias }] of Object.entries(options)) {
        if (alias === undefined) continue;
        expect(letters.get(alias) ?? option, `-${alias}`).toBe(option);
        letters.set(alias, option);
      }
    expect([...letters.keys()]).toEqual(expect.arrayContaining(["r", "o", "p", "j", "f"]));
  });

  test("no name or alias is given twice", () => {
    const names = commands.flatMap((c) => [c.name, ...(c.aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("no help text holds a word of the left column of the style guide", () => {
    const page = referencePage(commands);
    expect(page).not.toMatch(/\b(?:speaks?|spoken|mends?|cures?|heals?)\b|is named by|nothing needs|stays where it was|unless told/i);
  });
});

describe.skipIf(!hasMan)("manual pages", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "ocilot-man-"));
    for (const { file, text } of manPages(commands, "1.2.3")) writeFileSync(join(dir, file), text);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test("one for ocilot and one for each command; man prints them without a warning", () => {
    expect(readdirSync(dir)).toHaveLength(commands.length + 1);
    for (const file of readdirSync(dir)) {
      const { stdout, stderr, status } = spawnSync("man", ["--warnings", "-l", join(dir, file)], {
        encoding: "utf8",
        env: { ...process.env, MANWIDTH: "100", LC_ALL: "C.UTF-8", MAN_KEEP_FORMATTING: "" },
      });
      expect([status, stderr], file).toEqual([0, ""]);
      expect(stdout.length).toBeGreaterThan(400);
    }
  });

  test("a page holds the options, examples and exit codes of its command as they are typed", () => {
    const print = (file: string): string =>
      execFileSync("man", ["-l", join(dir, file)], { encoding: "utf8", env: { ...process.env, MANWIDTH: "300", LC_ALL: "C.UTF-8" } });
    const page = print("ocilot-attach.1");
    const calls = commands.find((c) => c.name === "attach")!.examples.map(([call]) => call);
    for (const text of ["-p, --platform PLATFORM", "--allow-dangling", ...calls]) expect(page).toContain(text);
    expect(print("ocilot-convert.1")).toMatch(/EXIT STATUS[^]*8\s+done, but/);
    expect(print("ocilot-ls.1")).toContain("ocilot ls ./layout --json | jq -r '.images[].tags[]'");
    expect(print("ocilot.1")).toContain("ocilot-ls(1)");
    expect(readFileSync(join(dir, "ocilot.1"), "utf8")).not.toMatch(/^[.'](?!TH|SH|TP|PP|B |BR|I |RS|RE|nf|fi|nh|ad)/m);
  });
});
