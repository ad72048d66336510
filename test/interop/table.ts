/** What one reader found. */
export interface Score {
  readonly found: number;
  /** The referrers that are there: manifests that name a subject. */
  readonly there: number;
  /** Links that only a record makes, to manifests that name no subject. */
  readonly named: number;
  /** What is no referrer: it names another subject, or is the subject itself. */
  readonly wrong: number;
}

const NOTHING: Score = { found: 0, there: 0, named: 0, wrong: 0 };

/** A line of the table: one layout in one state. A conversion that is refused has no scores. */
export interface Row {
  readonly layout: string;
  /** The target, or `—` for the layout as its writer left it. */
  readonly state: string;
  readonly scores: Readonly<Record<string, Score>> | "refused";
}

export interface Table {
  readonly versions: readonly string[];
  readonly readers: readonly { readonly name: string; readonly isModel: boolean }[];
  readonly states: readonly string[];
  readonly rows: readonly Row[];
  /** Layouts in which nobody refers to anything. */
  readonly empty: readonly string[];
}

export const AS_WRITTEN = "—";
const REFUSED = "refused";

/** The whole document; the same for the same results, whenever and wherever it is made. */
export function renderTable(table: Table): string {
  const head = table.readers.map((r) => (r.isModel ? `${r.name} (model)` : r.name));
  const cells = (row: Row): string[] =>
    table.readers.map((r) => (row.scores === "refused" ? REFUSED : renderScore(row.scores[r.name] ?? NOTHING)));
  return [
    "# Who finds which referrers, before and after a conversion",
    "",
    "`npm run interop` measures this with the real programs and writes this page; a cell that gets worse fails the run.",
    "",
    "- A cell is _found / there_. What is there is counted by opening every blob and looking at `subject`.",
    "  `+n`: found as well, on the word of a record alone (the manifest names no subject). `!n`: taken for a referrer, and is none.",
    `- \`${AS_WRITTEN}\` is the layout as its writer left it; all else is after \`ocilot convert --to\` that convention, from there.`,
    "- **oras** is `oras discover LAYOUT@DIGEST`, **oras --platform** what `oras discover LAYOUT:TAG --platform` adds to it, **notation** is",
    "  `notation ls LAYOUT@DIGEST` (of the signatures that are there). **Model**: the program is not run here, `src/tools` says what it would find.",
    "- `made/…` are written by the real programs during the run, `edge/…` are layouts with something wrong or rare in them.",
    "- The run also holds that a conversion takes no referrer from any reader, and that skopeo, umoci and crane do what they did before;",
    "  `umoci gc` and `skopeo copy`, out and in, remove nothing that is referenced. The one exception is `hauler`, whose records have the",
    "  tag of the image: who asks for that tag may be given a referrer.",
    "",
    `Measured with ${table.versions.join(", ")}.`,
    "",
    "## All together",
    "",
    ...renderLines(
      ["converted to", ...head],
      table.states.map((state) => [state, ...cells(sumOf(table, state))]),
    ),
    "",
    "## Each layout",
    "",
    ...renderLines(["layout", "converted to", ...head], merged(table.rows.map((row) => [row.layout, row.state, ...cells(row)]))),
    "",
    `Nothing refers to anything in: ${table.empty.join(", ")}.`,
    "",
  ].join("\n");
}

/** A Markdown table, unpadded: the lines of what did not change stay the same. */
function renderLines(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return ["<!-- oxfmt-ignore -->", ...lines];
}

function renderScore({ found, there, named, wrong }: Score): string {
  const parts = [there > 0 && `${found}/${there}`, named > 0 && `+${named}`, wrong > 0 && `!${wrong}`];
  return parts.filter((part) => part !== false).join(" ");
}

/** Lines of one layout that say the same become one. */
function merged(lines: readonly (readonly string[])[]): string[][] {
  const byContent = new Map<string, string[]>();
  for (const [layout, state, ...cells] of lines) {
    const key = [layout, ...cells].join(" | ");
    const line = byContent.get(key);
    if (line === undefined) byContent.set(key, [layout!, state!, ...cells]);
    else line[1] += `, ${state}`;
  }
  return [...byContent.values()];
}

/** A refused conversion leaves the layout as it was, and so counts as that. */
function sumOf(table: Table, state: string): Row {
  const scores: Record<string, Score> = {};
  for (const row of table.rows.filter((r) => r.state === state)) {
    const counted =
      row.scores === "refused" ? table.rows.find((r) => r.layout === row.layout && r.state === AS_WRITTEN)?.scores : row.scores;
    if (counted === undefined || counted === "refused") continue;
    for (const [reader, score] of Object.entries(counted)) {
      const sum = scores[reader] ?? NOTHING;
      scores[reader] = {
        found: sum.found + score.found,
        there: sum.there + score.there,
        named: sum.named + score.named,
        wrong: sum.wrong + score.wrong,
      };
    }
  }
  return { layout: "", state, scores };
}

/** The lines of "Each layout" of a page that was rendered before. */
export function parseTable(page: string): Row[] {
  const section = page.slice(page.indexOf("## Each layout")).split("\n");
  const lines = section
    .filter((l) => l.startsWith("| "))
    .map((l) =>
      l
        .slice(2, -2)
        .split(" | ")
        .map((cell) => cell.trim()),
    );
  const [head, , ...rest] = lines;
  const readers = (head ?? []).slice(2).map((name) => name.replace(" (model)", ""));
  return rest.flatMap(([layout, states, ...cells]) =>
    states!.split(", ").map((state): Row => {
      if (cells[0] === REFUSED) return { layout: layout!, state, scores: "refused" };
      return { layout: layout!, state, scores: Object.fromEntries(readers.map((name, i) => [name, parseScore(cells[i] ?? "")])) };
    }),
  );
}

function parseScore(cell: string): Score {
  const number = (pattern: RegExp): number => Number(pattern.exec(cell)?.[1] ?? 0);
  return { found: number(/(\d+)\//), there: number(/\/(\d+)/), named: number(/\+(\d+)/), wrong: number(/!(\d+)/) };
}

/** What is worse in `now` than it was, in words; lines that were not measured now are not compared. */
export function worseThan(before: readonly Row[], now: readonly Row[]): string[] {
  const worse: string[] = [];
  for (const row of now) {
    const old = before.find((r) => r.layout === row.layout && r.state === row.state);
    if (old === undefined || old.scores === "refused") continue;
    const where = `${row.layout} → ${row.state}`;
    if (row.scores === "refused") {
      worse.push(`${where}: refused, and was not`);
      continue;
    }
    for (const [reader, was] of Object.entries(old.scores)) {
      const is = row.scores[reader];
      if (is === undefined) continue;
      const isWorse = is.there - is.found > was.there - was.found || is.there < was.there || is.named < was.named || is.wrong > was.wrong;
      if (isWorse) worse.push(`${where}: ${reader} ${renderScore(is) || "0/0"}, was ${renderScore(was) || "0/0"}`);
    }
  }
  return worse;
}
