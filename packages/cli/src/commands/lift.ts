import { LIFT_SOURCES, type Lift, type LiftResult, type LiftSource, lift } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { dryRunOption } from "../options/dry-run.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../render/printable.js";
import type { Output } from "../output.js";
import { openWhole } from "../reference/open-layout.js";
import { count } from "../render/text.js";

export const command: Command = defineCommand({
  name: "lift",
  group: "Change",
  describe: "Add a `subject` field by creating new manifests next to the originals",
  usage: "lift LAYOUT [--from C]... [--dry-run] [--json]",
  examples: [
    ["ocilot lift ./layout", "give cosign .sig images and older BuildKit attestations a subject that every tool reads"],
    ["ocilot lift ./layout --from cosign-tags --dry-run", "show the manifests that would be created for the signatures"],
    ["ocilot lift ./layout --from legacy", "image manifests for withdrawn OCI and ORAS artifact manifests"],
  ],
  notes: [
    "The originals stay, and so does every record of them; each gets a new manifest with the same layers. A second run adds nothing, and the same original always gives the same digest.",
  ],
  exitCodes: { 8: "done, but some referrers could not be lifted" },
  seeAlso: ["convert"],
  positionals: { layout: { complete: "layout", describe: "A directory with oci-layout, index.json and blobs/" } },
  options: {
    from: {
      type: "string",
      array: true,
      placeholder: "C",
      choices: LIFT_SOURCES,
      describe: "Only referrers recorded so (default: all but legacy)",
    },
    ...dryRunOption,
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { out, signal }) {
    const from = args.from as readonly LiftSource[] | undefined;
    const layout = await openWhole(args.layout, { write: true, sync: !args["no-sync"] });
    const dryRun = args["dry-run"];
    const result = await out.during(
      "Lifting",
      lift(layout, { ...(from !== undefined && { from }), dryRun, wait: waitOf(args.wait), signal }),
      args.json,
    );
    if (args.json) out.json(result);
    else report(out, result);
    return result.left.length > 0 && !dryRun ? EXIT.inexpressible : EXIT.ok;
  },
});

function report(out: Output, { dryRun, lifted, present, left, conventions }: LiftResult): void {
  for (const l of lifted) printLift(l, "→");
  for (const l of present) printLift(l, "=");
  for (const l of left) out.print(printable(`not lifted: ${l.message}`));
  const where = conventions.length > 0 ? ` (${conventions.join(", ")})` : "";
  const done = `${count(lifted.length, "referrer")} ${dryRun ? "to lift" : "lifted"}${where}`;
  out.say(`${done}, ${present.length} already done, ${left.length} skipped`);

  function printLift({ from, subject, to, artifactType }: Lift, sign: string): void {
    out.print(printable(`${from} of ${subject}`));
    out.print(printable(`  ${sign} ${to.digest}  ${artifactType ?? "(no artifact type)"}`));
  }
}
