import { statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { OcilotError, ioError, isRecord } from "@ocilot/layout";
import { renderJson } from "../render/json.js";
import { renderReport } from "./render-report.js";
import type { Report } from "./report.js";

const FORMATS: Readonly<Record<string, "sarif" | "junit" | "json">> = { ".sarif": "sarif", ".xml": "junit", ".json": "json" };

/**
 * Refuses files for reports before any work is done.
 * @throws OcilotError `USAGE` for an ending that names no format, `PATH_NOT_FOUND` where the directory does not exist, `OUTPUT_EXISTS`
 * for a directory, and for a JSON file that is not a report
 */
export async function checkReportFiles(files: readonly string[] = []): Promise<void> {
  for (const path of files) {
    if (FORMATS[extname(path)] === undefined)
      throw new OcilotError(
        "USAGE",
        `--report ${path}: the ending is not .sarif, .xml or .json`,
        { argument: "report" },
        { hint: "The ending chooses the format: report.sarif" },
      );
    const there = statSync(path, { throwIfNoEntry: false });
    const directory = dirname(path);
    if (there === undefined && statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new OcilotError("PATH_NOT_FOUND", `${path} cannot be written: the directory ${directory} does not exist`, { path: directory });
    const refusal = there?.isDirectory() === true ? "is a directory" : "already exists and is not a report";
    if (there?.isDirectory() === true || (there?.isFile() === true && there.size > 0 && !(await isReport(path))))
      throw new OcilotError("OUTPUT_EXISTS", `${path} ${refusal}`, { path }, { hint: "Name another file for the report." });
  }
}

/** `.sarif` and `.xml` are endings of reports; a JSON file may be anything, such as the index.json of a layout. */
async function isReport(path: string): Promise<boolean> {
  if (FORMATS[extname(path)] !== "json") return true;
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return isRecord(value) && (("clean" in value && "findings" in value) || "healthy" in value);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return false;
    throw ioError(error, path);
  }
}

/**
 * Writes each file in the format of its ending.
 * @param document what `--json` prints
 * @throws OcilotError where a file cannot be written
 */
export async function writeReportFiles(files: readonly string[] | undefined, report: Report, document: unknown): Promise<void> {
  for (const path of files ?? []) {
    const format = FORMATS[extname(path)]!;
    const text = format === "json" ? renderJson(document) : renderReport(report, format);
    try {
      await writeFile(path, `${text}\n`);
    } catch (error) {
      throw ioError(error, path);
    }
  }
}
