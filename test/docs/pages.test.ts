import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildCli } from "../../packages/cli/test/built-cli.js";
import { type Block, ROOT, matchesLines, readBlocks, stepsOf } from "./blocks.js";
import { Shell } from "./shell.js";

/** Made from the definitions of the commands (packages/cli/test/manual.test.ts); help-examples.test.ts runs its examples. */
const GENERATED = new Set(["docs/cli.md"]);
/** Blocks marked `no-run`, page by page. A new one needs a reason that stands on the page or is plain from it. */
const NOT_RUN: Readonly<Record<string, number>> = {
  // npm in a clone of this repository.
  "README.md": 1,
  "packages/cli/README.md": 1,
  "docs/benchmarks.md": 1,
  "docs/benchmarks-registry.md": 1,
  "docs/mutation.md": 1,
  // test/interop/bundle.test.ts runs the first as it stands, with cosign; the other signs with a key.
  "docs/bundles.md": 2,
  // npm outside of this repository; test/interop/packed.test.ts does the same.
  "docs/tutorials/typescript.md": 1,
  // Assets of a release; test/interop/single-file.test.ts runs them.
  "docs/single-file.md": 1,
  // Servers that run until they are stopped, and clients of them; test/interop/serve.test.ts.
  "docs/serve.md": 2,
};

const packages = readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}/README.md`);
const pages = ["README.md", ...packages.filter((page) => existsSync(join(ROOT, page))), ...below("docs")].filter(
  (page) => !GENERATED.has(page) && readBlocks(page).length > 0,
);

function below(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules") && !name.startsWith("api"))
    .map((name) => `${directory}/${name.replaceAll("\\", "/")}`)
    .toSorted();
}

beforeAll(buildCli);

test("what is not run is counted", () => {
  const counts = pages.map((page) => [page, readBlocks(page).filter((block) => !block.isRun).length] as const);
  expect(Object.fromEntries(counts.filter(([, n]) => n > 0))).toEqual(NOT_RUN);
});

describe.each(pages.filter((page) => readBlocks(page).some((block) => block.isRun)))("%s", (page) => {
  let shell: Shell;
  beforeAll(() => void (shell = new Shell()));
  afterAll(async () => await shell.close());

  for (const block of readBlocks(page).filter((b) => b.isRun)) {
    test(`line ${block.line}: ${block.language}`, async () => await check(block, shell, page));
  }
});

async function check({ language, text, line }: Block, shell: Shell, page: string): Promise<void> {
  const where = (command: string): string => `${page}:${line}: ${command}`;
  if (language === "console") {
    const steps = stepsOf(text);
    expect(steps.length, where("a console block without a command")).toBeGreaterThan(0);
    for (const [i, { command, printed }] of steps.entries()) {
      const { code, text: shown } = await shell.run(command);
      const lines = shown
        .replace(/\n$/, "")
        .split("\n")
        .map((l) => l.trimEnd());
      const actual = lines.length === 1 && lines[0] === "" ? [] : lines;
      if (!matchesLines(actual, printed)) expect(actual, where(command)).toEqual(printed);
      // A page that shows a failure shows its exit code.
      if (steps[i + 1]?.command !== "echo $?") expect(code, where(`${command}\n${shown}`)).toBe(0);
    }
    return;
  }
  for (const command of language === "setup" ? [text] : linesOf(text)) {
    const wanted = Number(/# .*\bexit (\d+)\b/.exec(command)?.[1] ?? 0);
    const { code, text: shown } = await shell.run(command);
    expect(code, where(`${command}\n${shown}`)).toBe(wanted);
  }
}

/** The commands of a block: lines, with those that a backslash continues. */
function linesOf(text: string): string[] {
  return text
    .trimEnd()
    .replaceAll("\\\n", "")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
}
