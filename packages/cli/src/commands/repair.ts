import { Layout, openLayout } from "@ocilot/layout";
import { type RepairResult, type RepairStep, repairLayout } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { type Io, print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../printable.js";
import { Progress } from "../progress.js";
import { parseLayoutPath } from "../reference.js";
import { renderFindings } from "../render/findings.js";
import { renderJson } from "../render/json.js";
import { count, formatSize } from "../render/text.js";

export const repair: Command = defineCommand({
  usage: "repair LAYOUT [--from OTHER]... [--dry-run] [--json]",
  examples: [
    ["ocilot repair ./layout --from ./backup --dry-run", "what can be mended, and from where"],
    ["ocilot repair ./layout --from bundle.tar --from ./backup", "take missing and damaged blobs from others"],
    ["ocilot repair ./layout", "bring records up to date, list what nothing lists"],
  ],
  notes: [
    "A damaged blob is replaced in one step by one that was checked, or left. Nothing is deleted but temporary files of ocilot.",
    "An index.json that cannot be read is not repaired: what it listed cannot be told from the blobs.",
    "Exit 4: something is left that it could not mend.",
  ].join("\n"),
  positionals: { layout: { describe: "A directory with oci-layout, index.json and blobs/" } },
  options: {
    from: {
      type: "string",
      array: true,
      placeholder: "OTHER",
      describe: "A layout directory or a tar to take blobs from; may be repeated",
    },
    "dry-run": { type: "boolean", default: false, describe: "Print what would be done, and do nothing" },
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const layout = await Layout.open(parseLayoutPath(args.layout), { sync: !args["no-sync"] });
    const from: Layout[] = [];
    const progress = new Progress(io, args.json, "Repairing");
    try {
      for (const other of args.from ?? []) from.push(await openLayout(parseLayoutPath(other)));
      const result = await repairLayout(layout, {
        from,
        dryRun: args["dry-run"],
        wait: waitOf(args.wait),
        signal,
        onProgress: ({ done, total }) => progress.update(done, total),
      });
      progress.end();
      if (args.json) print(io, renderJson(result));
      else report(io, result);
      return result.left.some((f) => f.severity === "error") ? EXIT.damaged : EXIT.ok;
    } finally {
      progress.end();
      for (const other of from) await other.close();
    }
  },
});

function report(io: Io, { dryRun, steps, left }: RepairResult): void {
  for (const step of steps) print(io, printable(stepText(step, dryRun)));
  if (left.length > 0) print(io, `Left as it is:\n${renderFindings(left)}`);
  const done = steps.length === 0 ? "Nothing to do" : `${dryRun ? "Would take" : "Took"} ${count(steps.length, "step")}`;
  print(io, `${done}${left.length > 0 ? `; ${count(left.length, "problem")} left` : ""}.`);
}

function stepText(step: RepairStep, dryRun: boolean): string {
  const verb = (now: string, would: string): string => (dryRun ? `would ${would}` : now);
  switch (step.op) {
    case "fetch":
      return `${verb("fetched", "fetch")}  ${step.digest} (${step.why}, ${formatSize(step.size)}) from ${step.from}  ${step.path}`;
    case "records":
      return `${verb("recorded", "record")}  the referrers anew: ${count(step.changes, "change")} of ${step.to} and what else the layout speaks`;
    case "remove":
      return `${verb("removed", "remove")}  ${step.file}`;
  }
}
