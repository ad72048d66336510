import type { Layout } from "@ocilot/layout";
import { type RepairResult, type RepairStep, repairLayout } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { dryRunOption } from "../options/dry-run.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../render/printable.js";
import type { Output } from "../output.js";
import { openWhole } from "../reference/open-layout.js";
import { renderFindings } from "../render/findings.js";
import { count, formatSize } from "../render/text.js";

export const command: Command = defineCommand({
  name: "repair",
  group: "Check",
  describe: "Repair a layout, fetching missing or corrupt blobs from other copies",
  usage: "repair LAYOUT [--from OTHER]... [--dry-run] [--json]",
  examples: [
    ["ocilot repair ./layout --from ./backup --dry-run", "show what can be repaired, and from where"],
    ["ocilot repair ./layout --from bundle.tar --from ./backup", "fetch missing and corrupt blobs from other copies"],
    ["ocilot repair ./layout", "update the records, and list referrers that are not listed"],
  ],
  notes: [
    "A corrupt blob is replaced atomically by a checked copy, or left as it is. Only temporary files of ocilot are deleted.",
    "An index.json that cannot be read is not repaired: its entries cannot be derived from the blobs.",
  ],
  exitCodes: { 4: "problems are left that it could not repair" },
  seeAlso: ["verify"],
  positionals: { layout: { complete: "layout", describe: "A directory with oci-layout, index.json and blobs/" } },
  options: {
    from: {
      type: "string",
      array: true,
      placeholder: "OTHER",
      complete: "layout",
      describe: "A layout directory or tar to fetch blobs from",
    },
    ...dryRunOption,
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { out, signal }) {
    const layout = await openWhole(args.layout, { write: true, sync: !args["no-sync"] });
    const from: Layout[] = [];
    const checking = out.progress("Checking", args.json);
    const progress = out.progress("Repairing", args.json);
    try {
      for (const other of args.from ?? []) from.push(await openWhole(other));
      const result = await repairLayout(layout, {
        from,
        dryRun: args["dry-run"],
        wait: waitOf(args.wait),
        signal,
        onProgress: ({ phase, done, total, bytes, totalBytes }) => {
          if (phase === "check") checking.updateBytes(bytes, totalBytes);
          else if (totalBytes === 0) progress.update(done, total);
          else progress.updateBytes(bytes, totalBytes);
        },
      });
      checking.end();
      progress.end();
      if (args.json) out.json(result);
      else report(out, result);
      return result.left.some((f) => f.severity === "error") ? EXIT.damaged : EXIT.ok;
    } finally {
      checking.end();
      progress.end();
      for (const other of from) await other.close();
    }
  },
});

function report(out: Output, { dryRun, steps, left }: RepairResult): void {
  for (const step of steps) out.print(printable(stepText(step, dryRun)));
  if (left.length > 0) out.print(`Not repaired:\n${renderFindings(left)}`);
  const done = steps.length === 0 ? "Nothing to do" : `${count(steps.length, "step")} ${dryRun ? "to do" : "done"}`;
  out.say(`${done}${left.length > 0 ? `; ${count(left.length, "problem")} left` : ""}.`);
}

function stepText(step: RepairStep, dryRun: boolean): string {
  const verb = (now: string, would: string): string => (dryRun ? `would ${would}` : now);
  switch (step.op) {
    case "fetch":
      return `${verb("fetched", "fetch")}  ${step.digest} (${step.reason}, ${formatSize(step.size)}) from ${step.from}  ${step.path}`;
    case "size":
      return `${verb("corrected", "correct")}  the size of ${step.digest} in index.json: ${count(step.size, "byte")}  ${step.path}`;
    case "media-type":
      return `${verb("corrected", "correct")}  the media type of ${step.digest} in index.json: ${step.mediaType}  ${step.path}`;
    case "records":
      return `${verb("recorded", "record")}  referrers again: ${count(step.changes, "change")} in ${step.to} and the other conventions in use`;
    case "remove":
      return `${verb("removed", "remove")}  ${step.file}`;
  }
}
