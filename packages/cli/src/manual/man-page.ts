import type { Command } from "../command-line/define-command.js";
import { EXIT_MEANINGS } from "../exit-code.js";
import { globalOptions } from "../command-line/global-options.js";
import { argumentRows, optionGroups } from "./help.js";
import { ENVIRONMENT, FILES } from "./settings-text.js";

/** A manual page and the name of its file. */
export interface ManPage {
  readonly file: string;
  readonly text: string;
}

/** Returns the manual pages of ocilot and of every command, in the man macros of roff. */
export function manPages(commands: readonly Command[], version: string): ManPage[] {
  const sorted = commands.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return [
    { file: "ocilot.1", text: overviewPage(sorted, version) },
    ...sorted.map((c) => ({ file: `ocilot-${c.name}.1`, text: commandPage(c, version) })),
  ];
}

function overviewPage(commands: readonly Command[], version: string): string {
  return page("ocilot", version, [
    section("NAME", ["ocilot \\- read, convert, copy and check OCI Image Layouts with referrers"]),
    section("SYNOPSIS", [".B ocilot", ".I command", "[options]"]),
    section("DESCRIPTION", [
      roff(
        "An OCI Image Layout is a directory, or a tar of one, with oci-layout, index.json and blobs/. Referrers are the signatures, SBOMs and attestations that name an image as their subject. A REF is LAYOUT:TAG, LAYOUT@DIGEST, or LAYOUT alone if it contains exactly one image.",
      ),
    ]),
    section(
      "COMMANDS",
      commands.flatMap((c) => paragraph(`.BR ocilot\\-${roff(c.name)} (1)`, c.describe)),
    ),
    ...optionGroups(globalOptions).map(([, rows]) => section("OPTIONS", rowLines(rows))),
    section("ENVIRONMENT", rowLines(ENVIRONMENT)),
    section("FILES", rowLines(FILES)),
    section("EXIT STATUS", rowLines(Object.entries(EXIT_MEANINGS))),
  ]);
}

function commandPage(command: Command, version: string): string {
  const { name, aliases = [], describe, usage, notes = [], examples, exitCodes, seeAlso = [] } = command;
  const also = ["ocilot", ...seeAlso.map((other) => `ocilot-${other}`)];
  return page(`ocilot-${name}`, version, [
    section("NAME", [`${roff(`ocilot-${name}`)} \\- ${roff(describe)}`]),
    section("SYNOPSIS", [`.B ocilot ${roff(name)}`, roff(usage.slice(name.length).trim())]),
    ...(aliases.length > 0 ? [section("ALIASES", [roff(aliases.join(", "))])] : []),
    ...(notes.length > 0 ? [section("DESCRIPTION", [notes.map(prose).join("\n.PP\n")])] : []),
    section("ARGUMENTS", rowLines(argumentRows(command))),
    ...optionGroups({ ...command.options, ...globalOptions }).map(([group, rows]) => section(group.toUpperCase(), rowLines(rows))),
    section(
      "EXAMPLES",
      examples.flatMap(([call, effect]) => [".PP", `${roff(`${effect}:`)}`, ".PP", ".RS 4", ".nf", roff(call), ".fi", ".RE"]),
    ),
    ...(exitCodes === undefined ? [] : [section("EXIT STATUS", rowLines(Object.entries(exitCodes)))]),
    section("SEE ALSO", [also.map((other) => `.BR ${roff(other)} (1)`).join(",\n")]),
  ]);
}

function page(name: string, version: string, sections: readonly string[]): string {
  return `.TH "${roff(name.toUpperCase())}" "1" "" "ocilot ${version}" "ocilot manual"\n.nh\n.ad l\n${sections.join("\n")}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return [`.SH "${roff(title)}"`, ...lines].join("\n");
}

function rowLines(rows: readonly (readonly [string, string])[]): string[] {
  return rows.flatMap(([left, right]) => paragraph(`.B ${roff(left.trim())}`, right));
}

function paragraph(head: string, text: string): string[] {
  return [".TP", head, roff(text)];
}

/** As {@link roff}, where a line may also end inside a long word: after a bracket, a semicolon or a bar. */
function prose(text: string): string {
  return roff(text).replace(/[\];|](?=\S)/g, "$&\\:");
}

/** Text as roff prints it: its own characters escaped, and no line that begins like a request. */
function roff(text: string): string {
  const escaped = text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replaceAll("`", "\\`")
    .replaceAll("'", "\\(aq")
    .replaceAll('"', "\\(dq");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
