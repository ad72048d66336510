import { Layout, OcilotError, cloneLayout, openLayout } from "@ocilot/layout";
import { type ApplyResult, type Plan, convert, planConversion } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { type Io, print } from "../io.js";
import { conversionOf, targetOption } from "../options/convention.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { jsonOption } from "../options/json.js";
import { scanOption } from "../options/scan.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../printable.js";
import { isDirectory, parseLayoutPath } from "../reference.js";
import { renderJson } from "../render/json.js";
import { renderSteps, summarize } from "../render/plan.js";
import { layoutWarnings, warn } from "../warn.js";

export const convertCommand: Command = defineCommand({
  usage: "convert LAYOUT --to CONVENTION [--only] [--output DIR] [--dry-run] [--check] [--json]",
  examples: [
    ["ocilot convert ./layout --to universal", "let oras, regctl, olareg and containerd find every referrer"],
    ["ocilot convert ./layout --to regclient --output ./copy", "leave the layout alone and write a new one"],
    ["ocilot convert ./layout --to universal --check", "for CI: exit 7 if a conversion would change something"],
  ],
  notes: [
    "No manifest and no blob is changed or deleted; only index.json is, in one step. --to buildkit makes new image indexes",
    "beside the old ones and moves their tags: what signs an old index says nothing of the new one.",
    "Exit 6: refused, nothing changed. 7: --check found something to do. 8: done, but links that the target cannot",
    "express stayed where they were.",
  ].join("\n"),
  positionals: { layout: { describe: "A directory with oci-layout, index.json and blobs/; with --output also a tar of one" } },
  options: {
    ...targetOption,
    only: { type: "boolean", default: false, describe: "Withdraw the records of other conventions that are then not needed" },
    output: { type: "string", placeholder: "DIR", describe: "Write a new layout here, with every file, and leave LAYOUT alone" },
    "dry-run": { type: "boolean", default: false, describe: "Print what would be done, and do nothing" },
    check: { type: "boolean", default: false, describe: "Change nothing; exit 7 if something would change" },
    "allow-digest-change": { type: "boolean", default: false, describe: "With --to buildkit: let tags move to new image indexes" },
    "allow-inexpressible": { type: "boolean", default: false, describe: "Exit 0 instead of 8" },
    ...scanOption,
    ...archiveOption,
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const to = conversionOf(args.to);
    const sync = !args["no-sync"];
    const allowDigestChange = args["allow-digest-change"];
    const options = { to, only: args.only, allowDigestChange, scan: args.scan, wait: waitOf(args.wait), signal };
    const { output } = args;
    const path = parseLayoutPath(args.layout);
    await using layout = await openLayout(path, { sync, maxSize: maxSizeOf(args["max-size"]), signal });
    const warnings = layoutWarnings(layout, await layout.index.read());

    if (args["dry-run"] || args.check) {
      const plan = await planConversion(layout, options);
      report(io, { plan, changed: false }, { json: args.json, warnings, isDone: false, steps: args["dry-run"] });
      if (plan.refusals.length > 0) throw refusal(plan);
      return args.check && plan.steps.length > 0 ? EXIT.checkFailed : EXIT.ok;
    }

    const result = output === undefined ? await convert(layout, options) : await convertCopy(output);
    report(io, result, { json: args.json, warnings, isDone: true, steps: false });
    return result.plan.losses.length > 0 && !args["allow-inexpressible"] ? EXIT.inexpressible : EXIT.ok;

    async function convertCopy(target: string): Promise<ApplyResult> {
      // Before much is copied for nothing.
      const plan = await planConversion(layout, options);
      if (plan.refusals.length > 0) throw refusal(plan);
      const finish = async (staged: string): Promise<ApplyResult> => await convert(await Layout.open(staged, { sync }), options);
      const { result: converted, files } = await cloneLayout(isDirectory(path) ? path : layout, target, { finish, sync, signal });
      if (!args.json) print(io, printable(`Copied ${files} files to ${target}.`));
      return converted!;
    }
  },
});

interface ReportOptions {
  json: boolean;
  warnings: readonly string[];
  isDone: boolean;
  /** Show each step. */
  steps: boolean;
}

function report(io: Io, { plan, changed }: ApplyResult, { json, warnings, isDone, steps }: ReportOptions): void {
  if (json) {
    print(io, renderJson({ ...plan, changed, warnings }));
    return;
  }
  warn(io, [...warnings, ...plan.problems.map((p) => `${p.code}: ${p.message}`)]);
  print(io, summarize(plan, isDone));
  if (steps && plan.steps.length > 0) print(io, renderSteps(plan));
}

/** As a conversion itself would say it. */
function refusal(plan: Plan): OcilotError {
  const [first, ...more] = plan.refusals;
  return new OcilotError(
    "CONVERSION_REFUSED",
    `not converted to ${plan.to}: ${first}${more.length > 0 ? ` (and ${more.length} more)` : ""}`,
    { to: plan.to, reasons: plan.refusals },
    { hint: "Nothing was changed. Mend the cause, or choose another target with --to." },
  );
}
