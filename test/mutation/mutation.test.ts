import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { GROUPS } from "./groups.mjs";
import { type Results, mergeAgain, mergeResults, mutationPage, unexplained } from "./results.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = `${ROOT}docs/mutation.md`;
const RESULTS = JSON.parse(readFileSync(new URL("survivors.json", import.meta.url), "utf8")) as Results;

/** The formatter may align the columns of a table. */
const plain = (text: string): string => text.replaceAll(/ *\| */g, "|").replaceAll(/:?-{3,}:?/g, "---");

test("docs/mutation.md is made of the results; OCILOT_UPDATE=1 writes it", () => {
  if (process.env["OCILOT_UPDATE"] === "1") writeFileSync(PAGE, mutationPage(RESULTS));
  expect(plain(readFileSync(PAGE, "utf8"))).toBe(plain(mutationPage(RESULTS)));
});

test("every group names files that exist", () => {
  const missing = Object.values(GROUPS).flatMap(({ sources, tests }) =>
    [...sources, ...tests].filter((f) => !existsSync(`${ROOT}packages/${f}`)),
  );
  expect(missing).toEqual([]);
});

test("every survivor of a group that CI runs has a reason, and the figures are those of the rows", () => {
  const quick = RESULTS.survivors.filter((row) => GROUPS[row.group]?.isQuick);
  expect(quick.filter((row) => row.reason.length < 20)).toEqual([]);
  expect(RESULTS.survivors.filter((row) => !(row.group in RESULTS.groups))).toEqual([]);
  for (const [name, { mutants, killed, timedOut }] of Object.entries(RESULTS.groups)) {
    expect(
      RESULTS.survivors.filter((row) => row.group === name),
      name,
    ).toHaveLength(mutants - killed);
    expect(timedOut).toBeLessThanOrEqual(killed);
  }
});

describe("results of a run", () => {
  const row = { file: "a.ts", line: "if (a) b();", column: 4, original: "a", mutant: "true" };
  const known: Results = {
    groups: { gc: { mutants: 2, killed: 1, timedOut: 1 }, lock: { mutants: 1, killed: 0, timedOut: 0 } },
    survivors: [
      { group: "gc", ...row, reason: "the same result, only slower" },
      { group: "lock", ...row, file: "b.ts", reason: "kept" },
    ],
  };

  test("replace those of their group, and a reason stays with its mutant", () => {
    const next = mergeResults(known, "gc", {
      figures: { mutants: 3, killed: 1, timedOut: 0 },
      survivors: [row, { ...row, mutant: "false" }],
    });
    expect(next.groups).toEqual({ gc: { mutants: 3, killed: 1, timedOut: 0 }, lock: { mutants: 1, killed: 0, timedOut: 0 } });
    expect(next.survivors.map((s) => [s.group, s.mutant, s.reason])).toEqual([
      ["lock", "true", "kept"],
      ["gc", "true", "the same result, only slower"],
      ["gc", "false", ""],
    ]);
  });

  test("a survivor without a reason is told, and one of another place or change is not excused by it", () => {
    expect(unexplained(known, [row])).toEqual([]);
    for (const other of [{ mutant: "false" }, { column: 5 }, { line: "if (a) c();" }, { file: "c.ts" }])
      expect(unexplained(known, [{ ...row, ...other }])).toHaveLength(1);
    expect(unexplained({ ...known, survivors: [{ group: "gc", ...row, reason: "" }] }, [row])).toHaveLength(1);
  });

  test("of the survivors alone: what is killed now counts, what is gone does not, and what is new is told", () => {
    const rows = ["true", "false", "b"].map((mutant) => ({ ...row, mutant }));
    const last = {
      groups: { gc: { mutants: 10, killed: 7, timedOut: 1 } },
      survivors: rows.map((r) => ({ group: "gc", ...r, reason: "why" })),
    };
    const next = mergeAgain(last, "gc", [
      { ...row, mutant: "true", status: "Timeout" },
      { ...row, mutant: "false", status: "Survived" },
      { ...row, mutant: "c", status: "Killed" },
      { ...row, mutant: "d", status: "NoCoverage" },
    ]);
    expect(next.groups).toEqual({ gc: { mutants: 10, killed: 8, timedOut: 2 } });
    expect(next.survivors.map((s) => [s.mutant, s.reason])).toEqual([
      ["false", "why"],
      ["d", ""],
    ]);
  });

  test("the page says which groups were not run", () => {
    expect(mutationPage(known)).toContain("Not run yet: paths, digests");
    expect(mutationPage(known)).toContain("the same result, only slower");
    const open = { ...known, survivors: [{ group: "gc", ...row, reason: "" }] };
    expect(mutationPage(open)).toContain("| 2 | 1 | 1 | 50 % | 1 |");
    expect(mutationPage(open)).toContain("**not known yet**");
  });
});
