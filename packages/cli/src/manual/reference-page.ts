import { COMMAND_GROUPS, type Command } from "../command-line/define-command.js";
import { EXIT_MEANINGS } from "../exit-code.js";
import { globalOptions } from "../command-line/global-options.js";
import { argumentRows, configurableNames, optionGroups } from "./help.js";
import { ENVIRONMENT, FILES } from "./settings-text.js";

/** Returns the reference page of the command line, in Markdown. */
export function referencePage(commands: readonly Command[]): string {
  const groups = COMMAND_GROUPS.map((group) => commands.filter((c) => c.group === group).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  const sorted = groups.flat();
  return [
    "# Command line",
    "",
    "<!-- Generated from the definitions in packages/cli/src/commands; `npx vitest run packages/cli/test/manual.test.ts -u` writes it. -->",
    "",
    "A `REF` is `LAYOUT:TAG`, `LAYOUT@DIGEST`, or `LAYOUT` alone if it contains exactly one image. `LAYOUT` is a directory or a tar. A tag may be shortened to a unique end after a `:` or `/`, a digest to a unique beginning.",
    "",
    ...sorted.map((c) => `- [ocilot ${c.name}](#ocilot-${c.name}): ${c.describe}`),
    "",
    ...sorted.flatMap(commandSection),
    "## Options of every command",
    "",
    ...optionGroups(globalOptions).flatMap(([, rows]) => list(rows)),
    "",
    "## Environment",
    "",
    ...list(ENVIRONMENT),
    "",
    `Options that can be configured: ${configurableNames(commands)
      .map((name) => `\`${name}\``)
      .join(", ")}.`,
    "",
    "## Files",
    "",
    ...list(FILES),
    "",
    "## Exit codes",
    "",
    ...list(Object.entries(EXIT_MEANINGS)),
    "",
  ].join("\n");
}

function commandSection(command: Command): string[] {
  const { name, aliases = [], describe, usage, notes = [], examples, exitCodes, seeAlso = [] } = command;
  return [
    `## ocilot ${name}`,
    "",
    `${describe}.`,
    "",
    "```sh",
    `ocilot ${usage}`,
    "```",
    "",
    ...(aliases.length > 0 ? [`Aliases: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`, ""] : []),
    ...list(argumentRows(command)),
    "",
    ...optionGroups(command.options).flatMap(([group, rows]) => [`${group}:`, "", ...list(rows), ""]),
    "Examples:",
    "",
    "```sh",
    ...examples.map(([call, effect]) => `${call} # ${effect}`),
    "```",
    "",
    ...notes.flatMap((note) => [note.replace(/[<*_]/g, "\\$&"), ""]),
    ...(exitCodes === undefined ? [] : [...Object.entries(exitCodes).map(([code, text]) => `- exit ${code}: ${text}`), ""]),
    ...(seeAlso.length === 0 ? [] : [`See also: ${seeAlso.map((other) => `[ocilot ${other}](#ocilot-${other})`).join(", ")}.`, ""]),
  ];
}

function list(rows: readonly (readonly [string, string])[]): string[] {
  return rows.map(([left, right]) => `- \`${left.trim()}\`: ${right.replace(/[<*_]/g, "\\$&")}`);
}
