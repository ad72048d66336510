import { Layout } from "@ocilot/layout";
import { type GcResult, collectGarbage } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { type Io, print } from "../io.js";
import { durationOf } from "../options/duration.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { parseLayoutPath } from "../reference.js";
import { renderJson } from "../render/json.js";
import { renderTable } from "../render/table.js";
import { count, formatSize } from "../render/text.js";

export const gc: Command = defineCommand({
  usage: "gc LAYOUT [--dry-run] [--grace 1h] [--prune-dangling]",
  examples: [
    ["ocilot gc ./layout --dry-run", "what would go, and why the rest stays"],
    ["ocilot gc ./layout", "remove the blobs that nothing needs"],
    ["ocilot gc ./layout --prune-dangling --grace 0s", "also the referrers of images that are gone, however new"],
  ],
  notes: [
    "A referrer of something that is kept is never removed, whichever way it is recorded, even if nothing lists it.",
    "Files that ocilot does not know stay. With --grace 0s do not run other tools that write to the layout meanwhile.",
  ].join("\n"),
  positionals: { layout: { describe: "A directory with oci-layout, index.json and blobs/" } },
  options: {
    "dry-run": { type: "boolean", default: false, describe: "Print what would be removed, and remove nothing" },
    grace: {
      type: "string",
      placeholder: "TIME",
      default: "1h",
      describe: "Keep blobs that were stored less than this ago, like 30s, 10m, 2h, 1d",
    },
    "prune-dangling": { type: "boolean", default: false, describe: "Also remove referrers whose subject is not in the layout" },
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const layout = await Layout.open(parseLayoutPath(args.layout), { sync: !args["no-sync"] });
    const result = await collectGarbage(layout, {
      dryRun: args["dry-run"],
      grace: durationOf(args.grace, "grace"),
      pruneDangling: args["prune-dangling"],
      wait: waitOf(args.wait),
      signal,
    });
    if (args.json) print(io, renderJson(result));
    else report(io, result);
    return EXIT.ok;
  },
});

function report(io: Io, { dryRun, steps, removed, spared, pruned, unlisted }: GcResult): void {
  const rows = [
    ...pruned.map(({ referrer, subject }) => [
      dryRun ? "would prune" : "pruned",
      referrer,
      "",
      `its subject ${subject} is not in the layout`,
    ]),
    ...removed.map(({ digest, size }) => [dryRun ? "would remove" : "removed", digest, formatSize(size), "nothing needs it"]),
    ...spared.map(({ digest, size, reason }) => [
      "kept",
      digest,
      formatSize(size),
      reason === "young" ? "stored within the grace period" : "its digest algorithm is unknown",
    ]),
    ...unlisted.map((digest) => ["kept", digest, "", "nothing lists it, but it refers to something that is kept"]),
  ];
  if (rows.length > 0) print(io, renderTable(rows, [2]));
  const verb = dryRun ? "Would remove" : "Removed";
  print(
    io,
    `${verb} ${count(steps.sweep.count, "blob")}, ${formatSize(steps.sweep.bytes)}; ${count(steps.mark.count, "blob")} in use of ${steps.scan.count}.`,
  );
  if (unlisted.length > 0) print(io, "To list the unlisted: ocilot convert LAYOUT --to universal --scan");
}
