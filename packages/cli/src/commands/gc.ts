import { type GcResult, collectGarbage } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { dryRunOption } from "../options/dry-run.js";
import { durationOf } from "../options/duration.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import type { Output } from "../output.js";
import { openWhole } from "../reference/open-layout.js";
import { commandLine } from "../render/shell-quote.js";
import { renderTable } from "../render/table.js";
import { count, formatSize } from "../render/text.js";

export const command: Command = defineCommand({
  name: "gc",
  group: "Check",
  describe: "Garbage-collect unreferenced blobs (referrers of kept images are always kept)",
  usage: "gc LAYOUT [--dry-run] [--grace 1h] [--prune-dangling]",
  examples: [
    ["ocilot gc ./layout --dry-run", "show what would be removed, and what is kept although it is not referenced"],
    ["ocilot gc ./layout", "remove unreferenced blobs"],
    ["ocilot gc ./layout --prune-dangling --grace 0s", "also remove referrers of images that are gone, regardless of age"],
  ],
  notes: [
    "A referrer of a kept manifest is never removed, in whichever convention it is recorded, even if it is not listed.",
    "Files that are not part of an OCI image layout are kept. With --grace 0s, run no other tool that writes to the layout.",
  ],
  seeAlso: ["detach", "untag"],
  positionals: { layout: { complete: "layout", describe: "A directory with oci-layout, index.json and blobs/" } },
  options: {
    ...dryRunOption,
    grace: {
      type: "string",
      placeholder: "TIME",
      default: "1h",
      complete: "none",
      describe: "Keep blobs stored less than this ago, such as 30s, 10m, 2h, 1d",
    },
    "prune-dangling": { type: "boolean", describe: "Also remove referrers whose subject is not in the layout" },
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { out, signal }) {
    const layout = await openWhole(args.layout, { write: true, sync: !args["no-sync"] });
    const result = await out.during(
      "Collecting",
      collectGarbage(layout, {
        dryRun: args["dry-run"],
        grace: durationOf(args.grace, "grace"),
        pruneDangling: args["prune-dangling"],
        wait: waitOf(args.wait),
        signal,
      }),
      args.json,
    );
    if (args.json) out.json(result);
    else report(out, result, layout.location);
    return EXIT.ok;
  },
});

function report(out: Output, { dryRun, steps, removed, spared, pruned, unlisted }: GcResult, location: string): void {
  const rows = [
    ...pruned.map(({ referrer, subject }) => [
      dryRun ? "would prune" : "pruned",
      referrer,
      "",
      `its subject ${subject} is not in the layout`,
    ]),
    ...removed.map(({ digest, size }) => [dryRun ? "would remove" : "removed", digest, formatSize(size), "not referenced"]),
    ...spared.map(({ digest, size, reason }) => [
      "kept",
      digest,
      formatSize(size),
      reason === "young" ? "stored within the grace period" : "its digest algorithm is unknown",
    ]),
    ...unlisted.map((digest) => ["kept", digest, "", "not listed, but it refers to a kept manifest"]),
  ];
  if (rows.length > 0) out.print(renderTable(rows, [2]));
  const verb = dryRun ? "Would remove" : "Removed";
  out.say(
    `${verb} ${count(steps.sweep.count, "blob")}, ${formatSize(steps.sweep.bytes)}; ${count(steps.mark.count, "blob")} of ${steps.scan.count} in use.`,
  );
  if (unlisted.length > 0) out.say(`To list them: ${commandLine("ocilot", "convert", location, "--to", "universal", "--scan")}`);
}
