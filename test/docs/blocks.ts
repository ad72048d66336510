import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** A block of a page: commands to run, or what to run before them (`<!-- setup … -->`, which no reader sees). */
export interface Block {
  readonly language: "console" | "sh" | "setup";
  /** The page says `no-run` behind the language, because the block needs what a test has not. */
  readonly isRun: boolean;
  readonly line: number;
  readonly text: string;
}

/** A command of a console block, and what the page says that it prints. */
export interface Step {
  readonly command: string;
  readonly printed: readonly string[];
}

/** Returns the blocks of a page in their order. */
export function readBlocks(page: string): Block[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const pattern = /^```(console|sh)( no-run)?[^\n]*\n(.*?)^```$|^<!-- setup\n(.*?)^-->$/gms;
  return [...text.matchAll(pattern)].map((match) => ({
    language: (match[1] ?? "setup") as Block["language"],
    isRun: match[2] === undefined,
    line: text.slice(0, match.index).split("\n").length,
    text: match[3] ?? match[4]!,
  }));
}

/** Returns the commands of a console block: lines that begin with `$ `, continued by lines that begin with `> `. */
export function stepsOf(text: string): Step[] {
  const steps: { command: string; printed: string[] }[] = [];
  for (const line of text.trimEnd().split("\n")) {
    const last = steps.at(-1);
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), printed: [] });
    else if (last !== undefined && last.printed.length === 0 && line.startsWith("> ")) last.command += `\n${line.slice(2)}`;
    else last?.printed.push(line);
  }
  return steps;
}

/** Tells whether lines are what a page says: a line `…` stands for any number of lines, `…` within one for any text. */
export function matchesLines(printed: readonly string[], expected: readonly string[]): boolean {
  const pattern = expected.map((line) => (line === "…" ? "(?:.*\n)*?" : `${line.split("…").map(escaped).join(".*")}\n`)).join("");
  return new RegExp(`^${pattern}$`).test(printed.map((line) => `${line}\n`).join(""));
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
