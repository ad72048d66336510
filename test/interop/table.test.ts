import { describe, expect, it } from "vitest";
import { type Row, type Table, parseTable, renderTable, worseThan } from "./table.js";

const score = (found: number, there: number, named = 0, wrong = 0): Row["scores"] => ({ oras: { found, there, named, wrong } });
const rows: Row[] = [
  { layout: "a", state: "—", scores: score(1, 3, 0, 1) },
  { layout: "a", state: "universal", scores: score(3, 3, 2) },
  { layout: "b", state: "—", scores: score(0, 0, 1) },
  { layout: "b", state: "universal", scores: "refused" },
  { layout: "c", state: "—", scores: score(1, 1) },
  { layout: "c", state: "universal", scores: score(1, 1) },
];
const table: Table = { versions: [], readers: [{ name: "oras", isModel: true }], states: ["—", "universal"], rows, empty: [] };

describe("the table of docs/interop.md", () => {
  it("is read as it was written", () => {
    expect(parseTable(renderTable(table))).toEqual(rows);
  });

  it("counts a refused conversion as the layout was", () => {
    expect(renderTable(table)).toContain("| universal | 4/4 +3 |");
  });

  it("is worse where a referrer is missed, a record is dropped, or something wrong is found", () => {
    const now = (scores: Row["scores"]): string[] => worseThan(rows, [{ layout: "a", state: "universal", scores }]);
    expect(now(score(3, 3, 2))).toEqual([]);
    expect(now(score(4, 4, 3))).toEqual([]);
    expect(now(score(2, 3, 2))).toEqual(["a → universal: oras 2/3 +2, was 3/3 +2"]);
    expect(now(score(2, 2, 2))).toHaveLength(1);
    expect(now(score(3, 3, 1))).toHaveLength(1);
    expect(now(score(3, 3, 2, 1))).toHaveLength(1);
    expect(now("refused")).toEqual(["a → universal: refused, and was not"]);
    expect(worseThan(rows, [{ layout: "b", state: "universal", scores: score(0, 0) }])).toEqual([]);
  });
});
