import { CONVENTIONS } from "./registry.js";
import type { BuiltInConventionId } from "../graph/edge.js";
import { UNREPRESENTABLE_REASONS } from "../records/unrepresentable.js";
import {
  type SupportCell,
  LINK_CLASSES,
  type LinkClass,
  NEVER_TARGETS,
  REFUSALS,
  SOURCE_ROWS,
  TARGET_ROWS,
  supportCell,
} from "./support-matrix.js";

const CLASSES = Object.keys(LINK_CLASSES) as LinkClass[];

const EFFECTS: Readonly<Record<SupportCell["effect"], string>> = {
  same: "=",
  "index-only": "index",
  "writes-lists": "lists",
  never: "–",
};

/** The page `docs/conversion.md`: the support matrix as text. */
export function conversionPage(): string {
  const ids = CONVENTIONS.map((c) => c.id as BuiltInConventionId);
  const targets = ids.filter((id) => TARGET_ROWS[id] !== undefined);
  return [
    "# What a conversion keeps",
    "",
    "<!-- Written by `node docs/conversion.mjs` from packages/referrers/src/conventions/support-matrix.ts. Change that file, not this page. -->",
    "",
    "`ocilot convert --to X` adds the records of X for every link that X can represent, and removes nothing. With `--only` the records of",
    "other conventions are removed, link by link, once X holds the link. No blob is changed.",
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
    "- `lists` lists of referrers are written too; a list that is right is shared with other conventions",
    "- `–` never a target",
    "",
    "A number names a class of links that the target cannot represent, see below; with `?` single links of other classes may be left out, too.",
    "",
    ...table(
      ["from \\ to", ...ids.map(code)],
      ids.map((from) => [code(from), ...ids.map((to) => cellText(from, to))]),
    ),
    "",
    "## What a target cannot represent",
    "",
    "A link that no target can represent keeps the record that it has, is listed in the plan, and makes `convert` exit with 8.",
    "In `universal` a link that only some of its conventions can represent is recorded in those, and the plan says in which; exit 8 then",
    "means that none of them can. In `cosign-save` a Sigstore bundle of the one image is no loss: cosign finds it in `blobs/`.",
    "",
    ...table(
      ["no.", "kind of link", ...targets.map(code)],
      CLASSES.map((c, i) => [`${i + 1}`, LINK_CLASSES[c], ...targets.map((to) => reasonText(to, c))]),
    ),
    "",
    ...table(
      ["reason", "the referrer …"],
      Object.entries(UNREPRESENTABLE_REASONS).map(([reason, why]) => [code(reason), why]),
    ),
    "",
    "`not-root`, `taken` and an SBOM in `cosign-save` depend on the single link, and are what `?` stands for.",
    "",
    "In `hauler` everything that belongs to an image has the image's name, so that the name is ambiguous to any other tool: convert a copy.",
    "",
    "## What is refused",
    "",
    "Nothing is changed then, and `convert` exits with 6.",
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
    "that it can represent, or if anything would no longer be reachable from `index.json`.",
    "",
    "## What `--only` removes",
    "",
    ...table(
      ["convention", "of its records"],
      ids.map((id) => [code(id), SOURCE_ROWS[id].withdrawal]),
    ),
    "",
    "The last record of a link is never removed.",
    "",
  ].join("\n");
}

function cellText(from: BuiltInConventionId, to: BuiltInConventionId): string {
  const { effect, unsupportedReason, sometimes } = supportCell(from, to);
  const stays = unsupportedReason.map(({ linkClass }) => CLASSES.indexOf(linkClass) + 1).toSorted((a, b) => a - b);
  return [EFFECTS[effect], stays.join(" "), sometimes.length > 0 ? "?" : ""].filter((part) => part !== "").join(" ");
}

function reasonText(to: BuiltInConventionId, linkClass: LinkClass): string {
  const reason = TARGET_ROWS[to]!.unsupportedReason[linkClass];
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
