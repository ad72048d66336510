import { GROUPS } from "./groups.mjs";

function isSame(a, b) {
  return a.file === b.file && a.line === b.line && a.column === b.column && a.original === b.original && a.mutant === b.mutant;
}

/** Returns the mutants for whose survival no reason is written. */
export function unexplained(results, found) {
  return found.filter((mutant) => !results.survivors.some((row) => isSame(row, mutant) && row.reason !== ""));
}

/**
 * Returns the results with one group replaced; a survivor keeps the reason that was written for it, and a new one has none yet.
 */
export function mergeResults(results, group, { figures, survivors }) {
  const reasonOf = (mutant) => results.survivors.find((row) => isSame(row, mutant))?.reason ?? "";
  const rows = survivors.map((m) => {
    const { file, line, column, original, mutant } = m;
    return { group, file, line, column, original, mutant, reason: reasonOf(m) };
  });
  return {
    groups: { ...results.groups, [group]: figures },
    survivors: [...results.survivors.filter((row) => row.group !== group), ...rows],
  };
}

/**
 * Returns the results after the survivors of a group were tried again, with what became of all mutants on their lines. A survivor that is
 * not among those does not exist any more.
 */
export function mergeAgain(results, group, found) {
  const before = results.survivors.filter((row) => row.group === group);
  const { mutants, killed, timedOut } = results.groups[group];
  const now = before.flatMap((row) => found.find((m) => isSame(m, row)) ?? []);
  const isAlive = ({ status }) => status === "Survived" || status === "NoCoverage";
  const fresh = found.filter((m) => isAlive(m) && !before.some((row) => isSame(m, row)));
  const died = now.filter((m) => !isAlive(m));
  const figures = {
    mutants: mutants - (before.length - now.length) + fresh.length,
    killed: killed + died.length,
    timedOut: timedOut + died.filter((m) => m.status === "Timeout").length,
  };
  return mergeResults(results, group, { figures, survivors: [...now.filter(isAlive), ...fresh] });
}

/** Returns docs/mutation.md. */
export function mutationPage({ groups, survivors }) {
  const cell = (text) => text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  const code = (text) => {
    const short = cell(text.length > 90 ? `${text.slice(0, 90)}…` : text);
    const runs = new Set((short.match(/`+/g) ?? []).map((run) => run.length));
    let length = 1;
    while (runs.has(length)) length++;
    const fence = "`".repeat(length);
    return /^`|`$/.test(short) ? `${fence} ${short} ${fence}` : `${fence}${short}${fence}`;
  };
  const openIn = (name) => survivors.filter((row) => row.group === name && row.reason === "").length;
  const table = Object.entries(GROUPS).map(([name, { guards, isQuick }]) => {
    const figures = groups[name];
    const score =
      figures === undefined
        ? "not run yet | | | | "
        : `${figures.mutants} | ${figures.killed} | ${figures.timedOut} | ${Math.floor((100 * figures.killed) / figures.mutants)} % | ${openIn(name)}`;
    return `| ${name} | ${guards} | ${score} | ${isQuick ? "yes" : ""} |`;
  });
  const missing = Object.keys(GROUPS).filter((name) => groups[name] === undefined);
  const rows = Object.keys(GROUPS).flatMap((name) => {
    const found = survivors.filter((row) => row.group === name);
    if (found.length === 0) return [];
    const lines = found.map(
      (row) =>
        `| ${row.file.split("/").at(-1)} | ${code(row.original)} | ${code(row.mutant)} | ${cell(row.reason) || "**not known yet**"} |`,
    );
    return [`### ${name}`, "", "| file | code | changed to | why no test fails |", "| --- | --- | --- | --- |", ...lines, ""];
  });
  return [
    "# Mutation tests",
    "",
    "The tests that guard data are tested themselves: [Stryker](https://stryker-mutator.io) changes the code in one place at a time (a mutant), and a test of",
    "the group must fail. A mutant that all tests let pass is a survivor: it gets a test, or a reason that stands below. Texts of errors",
    "are not changed.",
    "",
    "```sh no-run",
    "npm run mutation                     # every group",
    "npm run mutation -- gc lock          # some groups",
    "npm run mutation -- --quick          # those that CI runs",
    "npm run mutation -- --survivors gc   # only what survived last time; with --update after tests were added",
    "npm run mutation -- --update gc      # writes test/mutation/survivors.json; OCILOT_UPDATE=1 npx vitest run test/mutation writes this page",
    "```",
    "",
    "A mutant whose tests do not end within a limit is stopped and counts as killed; on a busy machine the limit may also stop a slow test.",
    "",
    "A run fails when a survivor has no reason; the groups that CI runs have none such. In the other groups a survivor without a reason is",
    "work that is left: it needs a test, or the reason why no test can fail. Groups, their files and their tests:",
    "`test/mutation/groups.mjs`. This page is made of `test/mutation/survivors.json`.",
    "",
    "## Groups",
    "",
    "| group | what it guards | mutants | killed | of these timed out | score | without a reason | in CI |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ...table,
    "",
    missing.length === 0
      ? "Every group has been run."
      : `Not run yet: ${missing.join(", ")}. Nothing is known about the tests of these groups.`,
    "",
    "## Survivors",
    "",
    ...(rows.length === 0 ? ["None.", ""] : rows),
  ].join("\n");
}
