import type { Command, Flag, Flags, Positional } from "../command-line/define-command.js";
import { COMMAND_GROUPS } from "../command-line/define-command.js";
import { EXIT_MEANINGS } from "../exit-code.js";
import { globalOptions } from "../command-line/global-options.js";

const LINE_WIDTH = 110;

/** Returns the help of a command: what it does, usage, arguments, options by group, examples, notes, exit codes. */
export function helpOf(command: Command): string {
  const { describe, usage, examples, notes = [], exitCodes, seeAlso = [] } = command;
  const aliases = command.aliases?.length ? [`Aliases: ${command.aliases.join(", ")}`, ""] : [];
  return [
    describe,
    "",
    ...wrap(`Usage: ocilot ${usage}`, LINE_WIDTH).map((line, i) => (i === 0 ? line : `         ${line}`)),
    "",
    ...aliases,
    ...section("Arguments", argumentRows(command)),
    ...optionGroups({ ...command.options, ...globalOptions }).flatMap(([group, rows]) => section(group, rows)),
    "Examples:",
    ...examples.flatMap(([call, effect]) => [`  # ${effect}`, `  ${call}`]),
    "",
    ...notes.flatMap((note) => [...wrap(note, LINE_WIDTH), ""]),
    ...(exitCodes === undefined ? [] : section("Exit codes", Object.entries(exitCodes))),
    ...(seeAlso.length === 0 ? [] : [`See also: ${seeAlso.map((name) => `ocilot ${name}`).join(", ")}`]),
  ]
    .join("\n")
    .trimEnd();
}

/** Returns what `ocilot --help` prints. */
export function overview(commands: readonly Command[]): string {
  const groups = COMMAND_GROUPS.map((group) => [group, commands.filter((c) => c.group === group)] as const).filter(
    ([, all]) => all.length > 0,
  );
  return [
    "OCI Image Layouts with referrers: list, convert, copy and check every signature, SBOM and attestation",
    "",
    "Usage: ocilot COMMAND [options]",
    "",
    ...groups.flatMap(([group, all]) =>
      section(
        group,
        all.toSorted(byName).map((c) => [c.name, c.describe]),
      ),
    ),
    ...section("Options, for every command", [
      ...optionRows(globalOptions),
      ["-h, --help", "Print the help of a command"],
      ["-V, --version", "Print the version"],
    ]),
    "Examples:",
    "  # list images with their platforms and referrer counts",
    "  ocilot ls ./layout",
    "  # signatures, SBOMs and attestations as a tree",
    "  ocilot referrers ./layout:v1 --recursive",
    "  # let every tool find every referrer",
    "  ocilot convert ./layout --to universal",
    "",
    "A REF is LAYOUT:TAG, LAYOUT@DIGEST, or LAYOUT alone if it contains exactly one image. LAYOUT is a directory or a tar.",
    "Defaults for options: ~/.config/ocilot/config.json, and variables such as OCILOT_JSON=1; see `man ocilot`.",
    "",
    ...section("Exit codes", Object.entries(EXIT_MEANINGS)),
  ]
    .join("\n")
    .trimEnd();
}

/** Returns the arguments of a command as they stand in its usage, each with its description. */
export function argumentRows({ positionals, variadic }: Command): [string, string][] {
  const rows = Object.entries(positionals).map(([name, p]): [string, string] => [name.toUpperCase(), withChoices(p)]);
  return variadic === undefined ? rows : [...rows, [`${variadic.name.toUpperCase()}...`, withChoices(variadic)]];
}

function withChoices({ describe, choices }: Positional): string {
  return choices === undefined ? describe : `${describe}: ${choices.join(", ")}`;
}

/** Returns options under the headings that they name, in the order in which a heading first appears; `Output` last. */
export function optionGroups(options: Flags): [group: string, rows: [string, string][]][] {
  const groups = new Map<string, Record<string, Flag>>();
  for (const [name, flag] of Object.entries(options)) {
    const group = flag.group ?? "Options";
    groups.set(group, { ...groups.get(group), [name]: flag });
  }
  const sorted = [...groups].toSorted(([a], [b]) => Number(a === "Output") - Number(b === "Output"));
  return sorted.map(([group, flags]) => [group, optionRows(flags, indentOf(options))]);
}

/** Returns the names of all options that a variable or the configuration file may set. */
export function configurableNames(commands: readonly Command[]): string[] {
  const all = [globalOptions, ...commands.map((c) => c.options)].flatMap((options) => Object.entries(options) as [string, Flag][]);
  return [...new Set(all.flatMap(([name, flag]) => (flag.configurable === true ? name : [])))].toSorted();
}

function optionRows(options: Flags, indent: string = indentOf(options)): [string, string][] {
  return Object.entries(options).map(([name, flag]) => [optionText(name, flag, indent), effectText(flag)]);
}

/** Room for the letters, where any option has one. */
function indentOf(options: Flags): string {
  return Object.values(options).some((flag) => flag.alias !== undefined) ? "    " : "";
}

function optionText(name: string, { alias, placeholder }: Flag, indent: string): string {
  const letter = alias === undefined ? indent : `-${alias}, `;
  return `${letter}--${name}${placeholder === undefined ? "" : ` ${placeholder}`}`;
}

function effectText({ describe, choices, array, demandOption, default: value }: Flag): string {
  const extra = [
    ...(demandOption === true ? ["required"] : []),
    ...(array === true ? ["may be repeated"] : []),
    ...(value === undefined ? [] : [`default: ${value}`]),
  ];
  const text = choices === undefined ? describe : `${describe}: ${choices.join(", ")}`;
  return extra.length === 0 ? text : `${text} (${extra.join("; ")})`;
}

function byName(a: Command, b: Command): number {
  return a.name < b.name ? -1 : 1;
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.flatMap(([left, right]) => {
    const [first = "", ...rest] = wrap(right, Math.max(LINE_WIDTH - width - 4, 40));
    return [`  ${left.padEnd(width)}  ${first}`, ...rest.map((line) => `  ${" ".repeat(width)}  ${line}`)];
  });
  return [`${title}:`, ...lines, ""];
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
