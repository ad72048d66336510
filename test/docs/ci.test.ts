import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { buildCli } from "../../packages/cli/test/built-cli.js";
import { ROOT } from "./blocks.js";
import { type Printed, Shell } from "./shell.js";

const PAGE = readFileSync(join(ROOT, "docs/ci.md"), "utf8");
/** `npm install --global ocilot`, as every snippet begins: ocilot is on PATH already. */
const NPM = '#!/bin/sh\ncase "$*" in "install --global ocilot"*) exit 0 ;; esac\necho "npm $*: not expected" >&2\nexit 1\n';
let shell: Shell;

beforeAll(buildCli);
beforeEach(async () => {
  shell = new Shell({ GITHUB_OUTPUT: "github-output" });
  shell.addProgram("npm", NPM);
  await shell.run('cp -r "$FIXTURES/layouts/oras" layout');
});
afterEach(async () => await shell.close());

/** The shell parts of a document: what stands under `run`, `script` or `before_script`. */
function scriptsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(scriptsIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    ["run", "script", "before_script"].includes(key) ? [child].flat().map(String) : scriptsIn(child),
  );
}

/** Name of the section and scripts of each snippet. */
function snippets(): [section: string, scripts: string[]][] {
  return PAGE.split(/^## /m).flatMap((section) =>
    [...section.matchAll(/^```(yaml|groovy)\n(.*?)^```$/gms)].map(([, language, text]): [string, string[]] => [
      section.split("\n")[0]!,
      language === "yaml"
        ? parseAllDocuments(text!).flatMap((document) => scriptsIn(document.toJS()))
        : [...text!.matchAll(/\bsh (?:'''(.*?)'''|'(.*?)')/gs)].map((m) => m[1] ?? m[2]!),
    ]),
  );
}

const RUN = snippets().filter(([, scripts]) => scripts.length > 0);

/** Runs scripts as the service does: each in a shell of its own that ends at the first error. */
async function runAll(scripts: readonly string[]): Promise<Printed[]> {
  const done: Printed[] = [];
  for (const script of scripts) done.push(await shell.run(`set -e\n${script}`));
  return done;
}

test("every service has a snippet, and all but the one of the action hold shell", () => {
  expect(snippets().map(([section]) => section)).toEqual(["GitHub Actions", "GitHub Actions", "GitLab", "Jenkins", "Tekton"]);
  expect(RUN).toHaveLength(4);
});

test.each(RUN)("%s: passes on a whole layout, fails on a damaged one, and leaves a report", async (_, scripts) => {
  for (const { code, text } of await runAll(scripts)) expect(code, text).toBe(0);
  const reports = readdirSync(shell.work).filter((name) => /\.(sarif|xml)$/.test(name));
  expect(reports.length).toBeGreaterThan(0);
  for (const name of readdirSync(shell.work)) if (name !== "layout") rmSync(join(shell.work, name), { recursive: true });
  rmSync(join(shell.work, "layout/blobs/sha256/f6e88e754c76fe640279db723f6612d3ad6f2726f5c7093c4d340308b68fc53c"));
  expect((await runAll(scripts)).map((p) => p.code)).toContain(4);
  const report = reports.filter((name) => !name.includes("doctor")).map((name) => readFileSync(join(shell.work, name), "utf8"));
  expect(report.join("")).toContain("BLOB_MISSING");
});

interface Action {
  inputs: Record<string, { default?: string }>;
  runs: { using: string; steps: { shell: string; run: string; env: Record<string, string> }[] };
}

const ACTION = parse(readFileSync(join(ROOT, "action.yml"), "utf8")) as Action;

/** Runs the steps of the action with these inputs, until one fails. */
async function runAction(given: Readonly<Record<string, string>>): Promise<Printed> {
  let last: Printed = { code: 0, text: "" };
  for (const step of ACTION.runs.steps) {
    const variables = Object.entries(step.env).map(([name, value]) => {
      const input = /^\$\{\{ inputs\.([a-z-]+) \}\}$/.exec(value)![1]!;
      return `export ${name}='${(given[input] ?? ACTION.inputs[input]!.default!).replaceAll("'", "'\\''")}'`;
    });
    last = await shell.run(`${variables.join("\n")}\nset -e -o pipefail\n${step.run}`);
    if (last.code !== 0) break;
  }
  return last;
}

const read = (name: string): string => readFileSync(join(shell.work, name), "utf8");

test("the action reports what ocilot found, and fails as ocilot does", async () => {
  expect(await runAction({ layout: "./layout", junit: "ocilot.xml" })).toMatchObject({ code: 0 });
  expect(JSON.parse(read("ocilot.sarif"))).toMatchObject({ version: "2.1.0", runs: [{ results: [] }] });
  expect(read("ocilot.xml")).toContain('failures="0"');
  const { code, text } = await runAction({ layout: "./layout", arguments: "--require\nvex;scope=image\n" });
  expect([code, text]).toEqual([4, expect.stringContaining("REQUIREMENT_REFERRER")]);
  expect(read("ocilot.sarif")).toContain('"ruleId": "REQUIREMENT_REFERRER"');
  expect(await runAction({ layout: "./layout", command: "doctor", arguments: "--for\nregctl" })).toMatchObject({ code: 7 });
  expect(read("github-output").trim().split("\n")).toEqual(["exit-code=0", "exit-code=4", "exit-code=7"]);
});

test("the action takes no input for a command, an option or a file name", async () => {
  expect(await runAction({ layout: "./layout", command: "gc" })).toMatchObject({ code: 2 });
  expect(await runAction({ layout: "none; touch hacked" })).toMatchObject({ code: 3 });
  expect(await runAction({ layout: "--help" })).toMatchObject({ code: 3 });
  expect(await runAction({ layout: "./layout", arguments: "$(touch hacked)" })).not.toMatchObject({ code: 0 });
  expect([existsSync(join(shell.work, "hacked")), existsSync(join(shell.work, "ocilot.sarif"))]).toEqual([false, false]);
});
