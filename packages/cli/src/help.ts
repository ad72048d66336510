import { COMMANDS } from "./commands/registry.js";
import type { Command, Flag } from "./command.js";

const LINE_WIDTH = 120;

/** What `ocilot --help` prints. */
export function overview(): string {
  return [
    "Examples:",
    ...columns([
      ["ocilot ls ./layout", "what is in a layout, and who speaks for it"],
      ["ocilot referrers ./layout:v1 --recursive", "signatures, SBOMs and attestations as a tree"],
      ["ocilot convert ./layout --to universal", "let every tool find every referrer"],
    ]),
    "",
    "Usage: ocilot COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...columns(COMMANDS.map((c) => [c.name, c.summary])),
    "",
    "A REF is LAYOUT:TAG, LAYOUT@DIGEST, or LAYOUT alone where it holds one image.",
    "ocilot COMMAND --help tells more; ocilot --version prints the version.",
  ].join("\n");
}

/** The help of a command: examples first, then what it takes. */
export function helpOf(command: Command): string {
  const positionals = Object.entries(command.positionals).map(([name, p]) => [name.toUpperCase(), p.describe ?? ""] as const);
  if (command.variadic !== undefined) positionals.push([command.variadic.name.toUpperCase(), command.variadic.describe] as const);
  const options = Object.entries(command.options).map(([name, flag]) => [optionText(name, flag), effectText(flag)] as const);
  return [
    "Examples:",
    ...columns(command.examples),
    "",
    `Usage: ocilot ${command.usage}`,
    "",
    ...columns([...positionals, ...options, ["--help", "Print this"]]),
    ...(command.notes === undefined ? [] : ["", ...command.notes.split("\n").flatMap((line) => wrap(line, LINE_WIDTH))]),
  ].join("\n");
}

function optionText(name: string, { placeholder }: Flag): string {
  return placeholder === undefined ? `--${name}` : `--${name} ${placeholder}`;
}

function effectText({ describe, demandOption, default: value }: Flag): string {
  const extra = demandOption ? " (required)" : typeof value === "string" ? ` (${value})` : "";
  return `${describe}${extra}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) => {
    const [first = "", ...rest] = wrap(right, Math.max(LINE_WIDTH - width - 4, 40));
    return [`  ${left.padEnd(width)}  ${first}`, ...rest.map((line) => `  ${" ".repeat(width)}  ${line}`)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
