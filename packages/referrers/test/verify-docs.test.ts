import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { FINDINGS, type FindingRow } from "@ocilot/referrers";

const PAGE = fileURLToPath(new URL("../../../docs/findings.md", import.meta.url));

/** The table, from the data that the code goes by. */
function table(): string {
  const rows = Object.entries(FINDINGS).map(
    ([code, { severity, meaning, fix }]: [string, FindingRow]) => `| <a id="${code}"></a>\`${code}\` | ${severity} | ${meaning} | ${fix} |`,
  );
  return ["| code | severity | meaning | fix |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** Without the white space by which the formatter aligns columns. */
const plain = (text: string): string => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");

it("docs/findings.md shows every finding (OCILOT_UPDATE=1 writes the table)", () => {
  const page = readFileSync(PAGE, "utf8");
  const between = /(<!-- findings -->\n\n)[^]*?(\n\n<!-- end of findings -->)/;
  if (process.env["OCILOT_UPDATE"] === "1")
    writeFileSync(
      PAGE,
      page.replace(between, (_, open: string, close: string) => open + table() + close),
    );
  expect(plain(between.exec(readFileSync(PAGE, "utf8"))?.[0] ?? "")).toBe(
    plain(`<!-- findings -->\n\n${table()}\n\n<!-- end of findings -->`),
  );
});

it("no command of a fix has a comma or another mark at the end of LAYOUT, which would be taken for a part of its name", () => {
  const source = fileURLToPath(new URL("../src", import.meta.url));
  const files = (readdirSync(source, { recursive: true }) as string[]).filter((name) => name.endsWith(".ts"));
  const wrong = files.flatMap((name) => [
    ...readFileSync(join(source, name), "utf8").matchAll(/"ocilot [^"]*LAYOUT(?=[,;.!?)]|:[^A-Z])[^"]*"/g),
  ]);
  expect(files.length).toBeGreaterThan(100);
  expect(wrong.map(([text]) => text)).toEqual([]);
});
