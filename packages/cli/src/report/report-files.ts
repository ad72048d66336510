import { extname } from "node:path";
import { OcilotError, isRecord } from "@ocilot/layout";
import { type OwnedKind, checkOwnedFile, writeOwnedFile } from "../owned-file.js";
import { renderJson } from "../render/json.js";
import { renderReport } from "./render-report.js";
import type { Report } from "./report.js";

type Format = "sarif" | "junit" | "json";

const FORMATS: Readonly<Record<string, Format>> = { ".sarif": "sarif", ".xml": "junit", ".json": "json" };
const json = (matches: (value: Readonly<Record<string, unknown>>) => boolean): OwnedKind => ({
  noun: "report",
  begins: /^\s*\{/,
  matches(text) {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && matches(value);
  },
});
const KINDS: Readonly<Record<Format, OwnedKind>> = {
  sarif: json((value) => Array.isArray(value["runs"])),
  json: json((value) => ("clean" in value && "findings" in value) || "healthy" in value),
  junit: { noun: "report", begins: /^\s*<\?xml/, matches: (text) => /<testsuites?[ >]/.test(text) },
};

/**
 * Refuses files for reports before any work is done.
 * @throws OcilotError `USAGE` for an ending that names no format, `PATH_NOT_FOUND` where the directory does not exist, `OUTPUT_EXISTS`
 * for a directory, and for a file that is not a report of that format
 */
export async function checkReportFiles(files: readonly string[] = []): Promise<void> {
  for (const path of files) {
    const format = FORMATS[extname(path)];
    if (format === undefined)
      throw new OcilotError(
        "USAGE",
        `--report ${path}: the ending is not .sarif, .xml or .json`,
        { argument: "report" },
        { hint: "The ending chooses the format: report.sarif" },
      );
    await checkOwnedFile(path, KINDS[format]);
  }
}

/**
 * Writes each file in the format of its ending, when what is checked is known.
 * @param makeReport is called only where there is a file for a report
 * @param document what `--json` prints
 * @throws OcilotError `OUTPUT_EXISTS`, `ACCESS_DENIED`, `IO_ERROR`
 */
export async function writeReportFiles(files: readonly string[] | undefined, makeReport: () => Report, document: unknown): Promise<void> {
  for (const path of files ?? []) {
    const format = FORMATS[extname(path)]!;
    const text = format === "json" ? renderJson(document) : renderReport(makeReport(), format);
    await writeOwnedFile(path, `${text}\n`, KINDS[format]);
  }
}
