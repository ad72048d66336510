import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { memoryClient } from "./client.js";
import { REQUIREMENTS } from "./requirements.js";

const PAGE = new URL("../../../docs/serve.md", import.meta.url);
const [BEGIN, END] = ["<!-- requirements -->", "<!-- end of requirements -->"];

/** What docs/serve.md shows: a row for each requirement, each held by the test of that name. */
function table(): string {
  const rows = REQUIREMENTS.map(({ section, level, text }) => [section, level, text.replaceAll("|", "\\|")]);
  const all = [["Section", "Level", "What the server does"], ...rows];
  const width = (column: number): number => Math.max(...all.map((row) => row[column]!.length));
  const line = (row: readonly string[]): string => `| ${row.map((cell, i) => cell.padEnd(width(i))).join(" | ")} |`;
  const rule = `| ${[0, 1, 2].map((i) => "-".repeat(width(i))).join(" | ")} |`;
  return [line(all[0]!), rule, ...rows.map(line)].join("\n");
}

describe("distribution-spec 1.1", () => {
  for (const { section, level, text, check } of REQUIREMENTS) {
    test(`${section}: ${level}: ${text}`, async () => {
      await check(await memoryClient());
    });
  }

  test("docs/serve.md lists these requirements (OCILOT_WRITE_DOCS=1 writes them)", () => {
    const page = readFileSync(PAGE, "utf8");
    const [start, end] = [page.indexOf(BEGIN), page.indexOf(END)];
    const wanted = `${page.slice(0, start)}${BEGIN}\n\n${table()}\n\n${page.slice(end)}`;
    if (process.env["OCILOT_WRITE_DOCS"] === "1") writeFileSync(PAGE, wanted);
    expect(readFileSync(PAGE, "utf8")).toBe(wanted);
  });
});
