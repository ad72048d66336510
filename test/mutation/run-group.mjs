import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Stryker } from "@stryker-mutator/core";
import { GROUPS } from "./groups.mjs";

const ROOT = new URL("../../", import.meta.url);

/** Lines behind the first one that a mutant of several lines may have. */
const MANY_LINES = 30;

/**
 * Returns the figures of a group and its survivors: mutants that all tests of the group let pass. `line` and `column` (within the line
 * without its indentation) say where a mutant is, so that a row stays true when other lines come and go.
 */
export async function runGroup(name) {
  const { sources } = GROUPS[name];
  const results = await mutate(name, sources);
  const count = (...statuses) => results.filter((r) => statuses.includes(r.status)).length;
  const alive = results.filter((r) => ["Survived", "NoCoverage"].includes(r.status));
  return {
    figures: {
      mutants: count("Killed", "Timeout", "Survived", "NoCoverage"),
      killed: count("Killed", "Timeout"),
      timedOut: count("Timeout"),
    },
    survivors: await Promise.all(alive.map(describe)),
  };
}

/** Returns what became of all mutants on the lines of these survivors: `status` is `Survived`, `NoCoverage`, `Killed`, `Timeout`. */
export async function runAgain(name, survivors) {
  const ranges = new Set();
  for (const { file, line, original } of survivors) {
    const lines = (await readFile(new URL(`packages/${file}`, ROOT), "utf8")).split("\n");
    for (const [i, text] of lines.entries()) {
      const last = original.endsWith(" …") ? Math.min(i + MANY_LINES, lines.length) : i + 1;
      if (text.trim() === line) ranges.add(`${file}:${i + 1}-${last}`);
    }
  }
  if (ranges.size === 0) return [];
  return await Promise.all((await mutate(name, [...ranges])).map(describe));
}

async function mutate(name, sources) {
  process.env.OCILOT_MUTATION_GROUP = name;
  return await new Stryker({
    testRunner: "vitest",
    vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
    plugins: ["@stryker-mutator/vitest-runner", new URL("ignore-messages.mjs", import.meta.url).pathname],
    ignorers: ["messages"],
    mutate: sources.map((path) => `packages/${path}`),
    ignorePatterns: ["docs/**", "test/**", "!test/mutation/**", "!test/limits.ts", "packages/*/dist/**", ".changeset"],
    tempDirName: ".stryker-tmp",
    reporters: ["progress-append-only"],
    coverageAnalysis: "perTest",
    concurrency: Math.min(2, availableParallelism()),
    timeoutMS: 10_000,
    timeoutFactor: 2,
    dryRunTimeoutMinutes: 10,
    allowConsoleColors: false,
    logLevel: "warn",
  }).runMutationTest();
}

async function describe({ fileName, location: { start, end }, replacement, status }) {
  const file = fileName.slice(fileName.indexOf("packages/") + "packages/".length);
  const lines = (await readFile(new URL(`packages/${file}`, ROOT), "utf8")).split("\n");
  const whole = lines[start.line - 1];
  const indent = whole.length - whole.trimStart().length;
  const original = start.line === end.line ? whole.slice(start.column - 1, end.column - 1) : `${whole.slice(start.column - 1)} …`;
  return { file, line: whole.trim(), column: start.column - indent, at: start.line, original, mutant: replacement, status };
}
