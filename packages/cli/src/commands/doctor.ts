import type { Layout } from "@ocilot/layout";
import { JUDGED_TOOLS, TOOLS, type ToolId, doctor } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import type { Output } from "../output.js";
import { jsonOption } from "../options/json.js";
import { reportFilesOption } from "../options/report-files.js";
import { reportFormatOption } from "../options/report-format.js";
import { openWhole } from "../reference/open-layout.js";
import { isDirectory } from "../reference/is-directory.js";
import { diagnosisReport } from "../report/diagnosis-report.js";
import { isReportFormat, renderReport } from "../report/render-report.js";
import { checkReportFiles, writeReportFiles } from "../report/report-files.js";
import type { Report } from "../report/report.js";
import { repositoryReport } from "../report/repository-report.js";
import { VERSION } from "../version.js";
import { renderRepository } from "../render/repository.js";
import { renderDiagnosis } from "../render/diagnosis.js";

const IDS: readonly ToolId[] = TOOLS.map((t) => t.id);

export const command: Command = defineCommand({
  name: "doctor",
  group: "Check",
  describe: "Check which tools can find each referrer; list problems and how to fix them",
  usage: "doctor LAYOUT [--for TOOL,...] [--format FORMAT] [--report FILE]... [--json]",
  examples: [
    [
      "ocilot doctor ./layout",
      "which tools find what, which problems there are, and the command that fixes each; exit 7 if a tool misses a referrer",
    ],
    ["ocilot doctor ./layout --for oras,cosign", "judge it for these tools only; the others are shown but do not count"],
    ["ocilot doctor docker://registry.example/app:v1", "what the registry supports, and which clients find what there"],
    [
      "ocilot doctor ./layout --report doctor.xml",
      "also a report with one test for each tool and each problem; exit 7 if a tool misses a referrer",
    ],
  ],
  notes: [
    "Every unreferenced blob is read; nothing is written. docs/doctor.md explains each problem.",
    "Problems of tools that it is not judged for are warnings.",
  ],
  exitCodes: { 7: "a tool it is judged for does not find every referrer" },
  seeAlso: ["verify", "convert"],
  positionals: { layout: { complete: "layout", describe: "A directory with oci-layout, index.json and blobs/, or a tar of one" } },
  options: {
    for: {
      type: "string",
      list: true,
      placeholder: "TOOL,...",
      choices: IDS,
      describe: `Judge it for these tools (default: ${JUDGED_TOOLS.join(",")}, and cosign where it can find what it signed)`,
    },
    ...registryOptions,
    ...reportFormatOption,
    ...reportFilesOption,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const tools = args.for as readonly ToolId[] | undefined;
    await checkReportFiles(args.report);
    await using layout = await openWhole(args.layout, { registry: registrySettings(args, io.env), signal });
    const format = args.json ? "json" : (args.format ?? "text");
    if (!layout.keepsEntries) return await examine(layout, { target: layout.location, format, files: args.report }, out, signal);
    const diagnosis = await out.during("Examining", doctor(layout, { ...(tools !== undefined && { tools }), signal }), format === "json");
    const target = layout.location;
    const kind = isDirectory(target) ? "directory" : "archive";
    const makeReport = (): Report => diagnosisReport(diagnosis, { target, kind, version: VERSION });
    await writeReportFiles(args.report, makeReport, diagnosis);
    if (format === "json") out.json(diagnosis);
    else if (isReportFormat(format)) out.print(renderReport(makeReport(), format));
    else out.print(renderDiagnosis(diagnosis));
    return diagnosis.healthy ? EXIT.ok : EXIT.checkFailed;
  },
});

interface Wanted extends Pick<Report, "target"> {
  readonly format: string;
  /** Files for reports. */
  readonly files: readonly string[] | undefined;
}

/** Of a registry: what it supports, and who finds what. */
async function examine(layout: Layout, { target, format, files }: Wanted, out: Output, signal: AbortSignal): Promise<ExitCode> {
  const { examineRepository } = await import("@ocilot/registry");
  const diagnosis = await examineRepository(layout, { signal });
  const makeReport = (): Report => repositoryReport(diagnosis, { target, kind: "registry", version: VERSION });
  await writeReportFiles(files, makeReport, diagnosis);
  if (format === "json") out.json(diagnosis);
  else if (isReportFormat(format)) out.print(renderReport(makeReport(), format));
  else out.print(renderRepository(diagnosis));
  return diagnosis.healthy ? EXIT.ok : EXIT.checkFailed;
}
