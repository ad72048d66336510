import { renderJson } from "../render/json.js";
import { junitXml } from "./junit.js";
import type { Report } from "./report.js";
import { sarifLog } from "./sarif.js";

/** The formats of a report for other programs. */
export const REPORT_FORMATS = ["sarif", "junit"] as const;

export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Returns a report as the text of a file in a format that CI services read. */
export function renderReport(report: Report, format: ReportFormat): string {
  return format === "sarif" ? renderJson(sarifLog(report)) : junitXml(report);
}

/** Tells whether a value of `--format` is a format of a report. */
export function isReportFormat(format: string | undefined): format is ReportFormat {
  return (REPORT_FORMATS as readonly (string | undefined)[]).includes(format);
}
