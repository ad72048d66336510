import { Layout, OcilotError, cloneLayout, openLayout } from "@ocilot/layout";
import { type ApplyResult, type Plan, convert, planConversion } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import type { BytesDone, Output } from "../output.js";
import { dryRunOption } from "../options/dry-run.js";
import { conventionIds, targetOption } from "../options/convention.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { jsonOption } from "../options/json.js";
import { scanOption } from "../options/scan.js";
import { waitOf, writeOptions } from "../options/write.js";
import { refuseArchive } from "../reference/archive-suffix.js";
import { layoutPath } from "../reference/open-layout.js";
import { isDirectory } from "../reference/is-directory.js";
import { renderSteps, summarize } from "../render/plan.js";
import { layoutWarnings } from "../images/layout-warnings.js";

export const command: Command = defineCommand({
  name: "convert",
  group: "Change",
  describe: "Make every referrer visible to other tools, in place or in a copy",
  usage: "convert LAYOUT --to CONVENTION[,CONVENTION] [--only] [--output DIR] [--dry-run] [--check] [--json]",
  examples: [
    ["ocilot convert ./layout --to universal", "let oras, regctl, olareg and containerd find every referrer"],
    ["ocilot convert ./layout --to universal,cosign-save", "let cosign verify --local-image find its signatures, too"],
    ["ocilot convert ./layout --to regclient --output ./copy", "leave the layout unchanged and write a new one"],
    ["ocilot convert ./layout --to universal --check", "for CI: exit 7 if a conversion would change something"],
  ],
  notes: [
    "No blob is changed or deleted; only index.json is replaced, atomically. --to buildkit creates new image indexes next to the old ones and moves the tags to them: signatures of the old index do not cover the new one.",
  ],
  exitCodes: {
    6: "refused, nothing changed",
    7: "--check found changes to make",
    8: "done, but the target cannot represent some referrers; their records are kept",
  },
  seeAlso: ["doctor", "lift"],
  positionals: {
    layout: { complete: "layout", describe: "A directory with oci-layout, index.json and blobs/; with --output also a tar of one" },
  },
  options: {
    ...targetOption,
    only: { type: "boolean", describe: "Remove other conventions' records once they are redundant" },
    output: {
      type: "string",
      alias: "o",
      placeholder: "DIR",
      complete: "directory",
      describe: "Write a new layout here with every file, and leave LAYOUT unchanged",
    },
    ...dryRunOption,
    check: { type: "boolean", conflicts: ["output"], describe: "Change nothing; exit 7 if something would change" },
    "allow-digest-change": { type: "boolean", describe: "With --to buildkit: allow tags to move to new image indexes" },
    "allow-inexpressible": { type: "boolean", describe: "Exit 0 instead of 8 if the target cannot represent a referrer" },
    ...scanOption,
    ...archiveOption,
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { out, signal }) {
    const to = conventionIds(args.to)!;
    const sync = !args["no-sync"];
    const allowDigestChange = args["allow-digest-change"];
    const options = { to, only: args.only, allowDigestChange, scan: args.scan, wait: waitOf(args.wait), signal };
    const { output } = args;
    if (output !== undefined) refuseArchive(output, "output");
    const path = layoutPath(args.layout);
    await using layout = await openLayout(path, { sync, maxSize: maxSizeOf(args["max-size"]), signal });
    const warnings = layoutWarnings(layout, await layout.index.read());

    if (args["dry-run"] || args.check) {
      const plan = await out.during("Planning", planConversion(layout, options), args.json);
      report(out, { plan, changed: false }, { json: args.json, warnings, isDone: false, steps: args["dry-run"] });
      if (plan.refusals.length > 0) throw refusal(plan);
      return args.check && plan.steps.length > 0 ? EXIT.checkFailed : EXIT.ok;
    }

    const result = output === undefined ? await out.during("Converting", convert(layout, options), args.json) : await convertCopy(output);
    report(out, result, { json: args.json, warnings, isDone: true, steps: false });
    return result.plan.losses.length > 0 && !args["allow-inexpressible"] ? EXIT.inexpressible : EXIT.ok;

    async function convertCopy(target: string): Promise<ApplyResult> {
      // A refusal is reported before the layout is copied.
      const plan = await planConversion(layout, options);
      if (plan.refusals.length > 0) throw refusal(plan);
      const finish = async (staged: string): Promise<ApplyResult> => await convert(await Layout.open(staged, { sync }), options);
      const source = isDirectory(path) ? path : layout;
      const copying = async (onProgress: (event: BytesDone) => void): ReturnType<typeof cloneLayout<ApplyResult>> =>
        await cloneLayout(source, target, { finish, sync, signal, onProgress });
      const { result: converted, files } = await out.duringBytes("Copying", copying, args.json);
      if (!args.json) out.say(`Copied ${files} files to ${target}.`);
      return converted!;
    }
  },
});

interface ReportOptions {
  json: boolean;
  warnings: readonly string[];
  isDone: boolean;
  /** Print each step. */
  steps: boolean;
}

function report(out: Output, { plan, changed }: ApplyResult, { json, warnings, isDone, steps }: ReportOptions): void {
  if (json) {
    out.json({ dryRun: !isDone, ...plan, changed, warnings });
    return;
  }
  out.warn([...warnings, ...plan.problems.map((p) => `${p.code}: ${p.message}`)]);
  out.say(...summarize(plan, isDone));
  if (steps && plan.steps.length > 0) out.print(renderSteps(plan));
}

/** Returns the error that a conversion itself would throw. */
function refusal(plan: Plan): OcilotError {
  const [first, ...more] = plan.refusals;
  return new OcilotError(
    "CONVERSION_REFUSED",
    `not converted to ${plan.to}: ${first}${more.length > 0 ? ` (and ${more.length} more)` : ""}`,
    { to: plan.to, reasons: plan.refusals },
    { hint: "Nothing was changed. Fix the cause, or choose another target with --to." },
  );
}
