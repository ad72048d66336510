import { writeFile } from "node:fs/promises";
import type { Layout } from "@ocilot/layout";
import { type DiagnosisModel, readReport, renderReport } from "@ocilot/server";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { usageError } from "../command-line/usage-error.js";
import { EXIT } from "../exit-code.js";
import { isDirectory } from "../reference/is-directory.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { createdOf } from "../options/created.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openWhole } from "../reference/open-layout.js";
import { repositoryDiagnosisModel } from "../report/repository-diagnosis.js";
import { count, formatSize } from "../render/text.js";
import { VERSION } from "../version.js";

export const command: Command = defineCommand({
  name: "view",
  group: "Read",
  describe: "Write a report of a layout as one HTML file: images, evidence, packages, problems",
  usage: "view LAYOUT [--output FILE] [--no-verify]",
  examples: [
    ["ocilot view ./layout --output report.html", "a page that opens in any browser, without a server or a network"],
    ["ocilot view bundle.tar --no-verify > report.html", "the same of an archive, without reading every blob"],
  ],
  notes: [
    "The report holds the documents up to 4 MiB each and 32 MiB together, so that they can be saved from it. It sends no request. Signatures are shown as they are stored and not verified.",
    "Findings are in the report and do not change the exit code; use ocilot verify for that. ocilot serve shows the same page of a server. SOURCE_DATE_EPOCH sets the time in it.",
  ],
  seeAlso: ["serve", "doctor", "verify"],
  positionals: { layout: { complete: "layout", describe: "A layout directory, a tar of one, or docker://HOST/REPOSITORY" } },
  options: {
    output: {
      type: "string",
      alias: "o",
      placeholder: "FILE",
      complete: "file",
      describe: "Write to this file (default: standard output)",
    },
    "no-verify": { type: "boolean", describe: "Do not check the content; the report then has no findings of verify" },
    ...archiveOption,
    ...registryOptions,
  },

  async run(args, { io, out, signal }) {
    const { output, layout: text } = args;
    if (output !== undefined && isDirectory(output)) throw usageError(`${output} is a directory`, "output", "Name a file: report.html");
    const time = createdOf(undefined, io.env);
    await using layout = await openWhole(text, { maxSize: maxSizeOf(args["max-size"]), registry: registrySettings(args, io.env), signal });
    const making = readReport(layout, {
      name: text,
      version: VERSION,
      time: time === undefined ? new Date() : new Date(time),
      verify: !args["no-verify"],
      // A registry has checked its content, and may be far away.
      content: layout.keepsEntries ? "hash" : "presence",
      ...(!layout.keepsEntries && { diagnose: async () => await diagnoseRepository(layout, signal) }),
      signal,
    });
    const report = await out.during("Examining", making);
    const html = renderReport(report);
    if (output === undefined) {
      out.print(html);
      return EXIT.ok;
    }
    await writeFile(output, html);
    out.say(`Report of ${count(report.model.images.length, "image")} written to ${output} (${formatSize(Buffer.byteLength(html))})`);
    return EXIT.ok;
  },
});

async function diagnoseRepository(layout: Layout, signal: AbortSignal): Promise<DiagnosisModel> {
  const { examineRepository } = await import("@ocilot/registry");
  return repositoryDiagnosisModel(await examineRepository(layout, { signal }));
}
