import { CONVENTIONS } from "../conventions/registry.js";
import type { ConventionId } from "../edge.js";
import { LOSS_REASONS } from "../losses.js";
import { type GridCell, LINK_CLASSES, type LinkClass, NEVER_TARGETS, REFUSALS, SOURCE_ROWS, TARGET_ROWS, gridCell } from "./grid.js";

const CLASSES = Object.keys(LINK_CLASSES) as LinkClass[];

const EFFECTS: Readonly<Record<GridCell["effect"], string>> = {
  same: "=",
  "index-only": "index",
  "writes-lists": "lists",
  never: "–",
};

/** The page `docs/conversion.md`: the grid in words. */
export function conversionPage(): string {
  const ids = CONVENTIONS.map((c) => c.id);
  const targets = ids.filter((id) => TARGET_ROWS[id] !== undefined);
  return [
    "# What a conversion keeps",
    "",
    "<!-- Written by `node docs/conversion.mjs` from packages/referrers/src/convert/grid.ts. Change the grid, not this page. -->",
    "",
    "`ocilot convert --to X` adds the records of X for every link that X can hold, and takes nothing away. With `--only` the records of",
    "the other conventions go, link by link, where X holds them. No blob changes, whatever the target is.",
    "",
    ...table(
      ["convention", "how it records a link"],
      CONVENTIONS.map((c) => [code(c.id), c.title]),
    ),
    "",
    "## Each pair",
    "",
    "From the row to the column:",
    "",
    "- `=` recorded so already",
    "- `index` only `index.json` changes",
    "- `lists` lists of referrers are written too; a list that is right serves under another mark as well",
    "- `–` never a target",
    "",
    "A number names what stays where it was, see below; `?` marks a target that may have to leave out single links as well.",
    "",
    ...table(
      ["from \\ to", ...ids.map(code)],
      ids.map((from) => [code(from), ...ids.map((to) => cellText(from, to))]),
    ),
    "",
    "## What stays",
    "",
    "A link that the target cannot hold stays in the record that it has, is listed in the plan, and makes `convert` exit with 8.",
    "",
    ...table(
      ["", "kind of link", ...targets.map(code)],
      CLASSES.map((c, i) => [`${i + 1}`, LINK_CLASSES[c], ...targets.map((to) => reasonText(to, c))]),
    ),
    "",
    ...table(
      ["reason", "the referrer …"],
      Object.entries(LOSS_REASONS).map(([reason, why]) => [code(reason), why]),
    ),
    "",
    "`not-root`, `taken` and an SBOM in `cosign-save` depend on the single link, and are what `?` stands for.",
    "",
    "In `hauler` whatever belongs to an image bears the image's name, so that to any other tool the name means several manifests: convert a copy.",
    "",
    "## What is refused",
    "",
    "Then nothing is changed at all, and `convert` exits with 6.",
    "",
    ...table(
      ["target", "refused where"],
      targets.flatMap((to) => TARGET_ROWS[to]!.refusals.map((reason) => [code(to), REFUSALS[reason]])),
    ),
    "",
    ...table(
      ["never a target", "because"],
      Object.entries(NEVER_TARGETS).map(([id, why]) => [code(id), why]),
    ),
    "",
    "Besides, a conversion is refused if afterwards the target's own reader, or the program that it is named after, would not find a link",
    "that it can hold, or if anything would be out of reach.",
    "",
    "## What `--only` takes out",
    "",
    ...table(
      ["convention", "of its records"],
      ids.map((id) => [code(id), SOURCE_ROWS[id].withdrawal]),
    ),
    "",
    "A record that is the last to hold a link never goes.",
    "",
  ].join("\n");
}

function cellText(from: ConventionId, to: ConventionId): string {
  const { effect, inexpressible, sometimes } = gridCell(from, to);
  const stays = inexpressible.map(({ linkClass }) => CLASSES.indexOf(linkClass) + 1).toSorted((a, b) => a - b);
  return [EFFECTS[effect], stays.join(" "), sometimes.length > 0 ? "?" : ""].filter((part) => part !== "").join(" ");
}

function reasonText(to: ConventionId, linkClass: LinkClass): string {
  const reason = TARGET_ROWS[to]!.inexpressible[linkClass];
  return reason === undefined ? "yes" : code(reason);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), `| ${widths.map((w) => "-".repeat(w)).join(" | ")} |`, ...rows.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}
