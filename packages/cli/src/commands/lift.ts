import { Layout } from "@ocilot/layout";
import { LIFT_SOURCES, type Lift, type LiftResult, type LiftSource, lift } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { type Io, print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../printable.js";
import { parseLayoutPath } from "../reference.js";
import { renderJson } from "../render/json.js";
import { count } from "../render/text.js";
import { suggest } from "../suggest.js";
import { usageError } from "../usage-error.js";

export const liftCommand: Command = defineCommand({
  usage: "lift LAYOUT [--from C]... [--dry-run] [--json]",
  examples: [
    ["ocilot lift ./layout", "give cosign's .sig images and BuildKit's older attestations a subject that every tool follows"],
    ["ocilot lift ./layout --from cosign-tags --dry-run", "what would be made of the signatures"],
    ["ocilot lift ./layout --from legacy", "image manifests for OCI and ORAS artifact manifests"],
  ],
  notes: [
    "The originals stay, with every record of them; each gets a new manifest with the same layers beside it. Doing it twice",
    "adds nothing, and the same original gives the same digest.",
    "Exit 8: done, but links are left that could not be lifted.",
  ].join("\n"),
  positionals: { layout: { describe: "A directory with oci-layout, index.json and blobs/" } },
  options: {
    from: {
      type: "string",
      array: true,
      placeholder: "C",
      describe: `Only links of this kind; may be repeated: ${LIFT_SOURCES.join(", ")} (all but legacy)`,
    },
    "dry-run": { type: "boolean", default: false, describe: "Print what would be added, and add nothing" },
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const from = args.from?.map(sourceOf);
    const layout = await Layout.open(parseLayoutPath(args.layout), { sync: !args["no-sync"] });
    const dryRun = args["dry-run"];
    const result = await lift(layout, { ...(from !== undefined && { from }), dryRun, wait: waitOf(args.wait), signal });
    if (args.json) print(io, renderJson(result));
    else report(io, result);
    return result.left.length > 0 && !dryRun ? EXIT.inexpressible : EXIT.ok;
  },
});

/** @throws OcilotError `USAGE` */
function sourceOf(name: string): LiftSource {
  const source = LIFT_SOURCES.find((s) => s === name);
  if (source !== undefined) return source;
  const near = suggest(name, LIFT_SOURCES);
  const hint = near === undefined ? `It is one of: ${LIFT_SOURCES.join(", ")}.` : `Did you mean ${near}?`;
  throw usageError(`--from cannot be ${name}`, "from", hint);
}

function report(io: Io, { dryRun, lifted, present, left, conventions }: LiftResult): void {
  for (const l of lifted) printLift(l, "→");
  for (const l of present) printLift(l, "=");
  for (const l of left) print(io, printable(`not lifted: ${l.message}`));
  const where = conventions.length > 0 ? `, recorded as ${conventions.join(", ")}` : "";
  const done = `${dryRun ? "Would lift" : "Lifted"} ${count(lifted.length, "link")}${where}`;
  print(io, `${done}; ${present.length} had been lifted before, ${left.length} cannot be.`);

  function printLift({ from, subject, to, artifactType }: Lift, sign: string): void {
    print(io, printable(`${from} of ${subject}`));
    print(io, printable(`  ${sign} ${to.digest}  ${artifactType ?? "(no artifact type)"}`));
  }
}
