import type { Diagnosis, LayoutTrap, ConventionInUse, ToolHealth } from "@ocilot/referrers";
import { printable } from "./printable.js";
import { renderTable } from "./table.js";
import { count } from "./text.js";

const MAX_LINES = 5;

/** Returns a diagnosis for people: the conventions in use, what each tool can see, problems and how to fix them. */
export function renderDiagnosis({ conventions, tools, traps, referrers, healthy }: Diagnosis): string {
  const judged = tools.filter((t) => t.judged).map((t) => t.id);
  return [
    headingOf(conventions, tools),
    ...conventions.flatMap(conventionLines),
    "",
    toolTable(tools),
    "",
    ...traps.flatMap((trap) => [...trapLines(trap), ""]),
    `${healthy ? "Healthy" : "Not healthy"} for ${judged.join(", ")}: ${count(referrers, "referrer")}, ${count(traps.length, "trap")}.`,
  ].join("\n");
}

function headingOf(conventions: readonly ConventionInUse[], tools: readonly ToolHealth[]): string {
  if (conventions.length > 0) return "Conventions in use:";
  return tools.every((t) => t.blocked.length > 0) ? "No program can use the layout" : "No referrers convention in use";
}

function conventionLines({ id, title, entries, flags }: ConventionInUse): string[] {
  const lines = entries.map((e) => `    index.json entry ${e.position}  ${e.digest}  ${e.reason}`);
  return [`  ${id}: ${title}`, ...some(lines), ...flags.map((flag) => `    index.json  annotation ${flag}`)].map(printable);
}

function toolTable(tools: readonly ToolHealth[]): string {
  const rows = tools.map((t) => [t.judged ? "*" : "", t.title, String(t.found), String(t.total), stateOf(t)]);
  return renderTable([["", "TOOL", "VISIBLE", "TOTAL", ""], ...rows], [2, 3]);
}

function stateOf({ blocked, healthy, found, total }: ToolHealth): string {
  if (blocked.length > 0) return `cannot use the layout: ${blocked[0]}${blocked.length > 1 ? ` (and ${blocked.length - 1} more)` : ""}`;
  return healthy ? "" : `${total - found} not visible`;
}

function trapLines({ code, severity, programs, effect, fix, places }: LayoutTrap): string[] {
  const lines = places.map((p) => `    ${p.message}${p.position === undefined ? "" : ` (index.json entry ${p.position})`}`);
  return [`${severity} ${code} (${programs.join(", ")})`, `  ${effect}`, ...some(lines), `  fix: ${fix}`].map(printable);
}

function some(lines: readonly string[]): string[] {
  const rest = lines.length - MAX_LINES;
  return rest > 0 ? [...lines.slice(0, MAX_LINES), `    and ${rest} more (--json shows them all)`] : [...lines];
}
