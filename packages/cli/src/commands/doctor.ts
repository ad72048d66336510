import { openLayout } from "@ocilot/layout";
import { JUDGED, TOOLS, type ToolId, doctor } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { parseLayoutPath } from "../reference.js";
import { renderDiagnosis } from "../render/diagnosis.js";
import { renderJson } from "../render/json.js";
import { suggest } from "../suggest.js";
import { usageError } from "../usage-error.js";

const IDS: readonly ToolId[] = TOOLS.map((t) => t.id);

export const doctorCommand: Command = defineCommand({
  usage: "doctor LAYOUT [--for TOOL,...] [--json]",
  examples: [
    ["ocilot doctor ./layout", "which tools find what, what will go wrong, and the command that mends it"],
    ["ocilot doctor ./layout --for oras,cosign", "judge it for these tools; the others are shown all the same"],
    ["ocilot doctor ./layout.tar --json | jq -r '.traps[].fix'", "the commands alone; an archive is read as well"],
  ],
  notes: [
    "Every blob that nothing names is read; nothing is written. What each trap means is in docs/doctor.md.",
    "Exit 7: a tool that it is judged for does not find every referrer. Traps of other tools are warnings.",
  ].join("\n"),
  positionals: { layout: { describe: "A directory with oci-layout, index.json and blobs/, or a tar of one" } },
  options: {
    for: { type: "string", array: true, placeholder: "TOOL,...", describe: `Judge it for these: ${IDS.join(", ")} (${JUDGED.join(",")})` },
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const tools = args.for?.flatMap((list) => list.split(",")).map(toolOf);
    await using layout = await openLayout(parseLayoutPath(args.layout), { signal });
    const diagnosis = await doctor(layout, { ...(tools !== undefined && { tools }), signal });
    print(io, args.json ? renderJson(diagnosis) : renderDiagnosis(diagnosis));
    return diagnosis.healthy ? EXIT.ok : EXIT.checkFailed;
  },
});

/** @throws OcilotError `USAGE` */
function toolOf(name: string): ToolId {
  const id = IDS.find((i) => i === name.trim());
  if (id !== undefined) return id;
  const near = suggest(name, IDS);
  throw usageError(
    `--for ${name} is no tool that is known`,
    "for",
    near === undefined ? `It is one of: ${IDS.join(", ")}.` : `Did you mean ${near}?`,
  );
}
