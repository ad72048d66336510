import { Layout, OcilotError } from "@ocilot/layout";
import { findConvention, openView } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../printable.js";
import { parseReference } from "../reference.js";
import { renderJson } from "../render/json.js";
import { usageError } from "../usage-error.js";

export const untag: Command = defineCommand({
  usage: "untag LAYOUT:TAG",
  examples: [["ocilot untag ./layout:v1", "the manifest stays in the layout, listed without the tag"]],
  positionals: { ref: { describe: "LAYOUT:TAG" } },
  options: { ...writeOptions, ...jsonOption },

  async run(args, { io, signal }) {
    const { path, rest, text } = parseReference(args.ref);
    if (!rest.startsWith(":") || rest === ":") throw usageError(`${text} names no tag`, "ref", "Write LAYOUT:TAG.");
    const name = rest.slice(1);
    const layout = await Layout.open(path, { sync: !args["no-sync"] });
    await refuseList(layout, name);
    await layout.untag(name, { wait: waitOf(args.wait), signal });
    print(io, args.json ? renderJson({ untagged: name }) : `Removed the tag ${printable(name)}`);
    return EXIT.ok;
  },
});

/** Without its tag a list of referrers is nothing, and what only it records would be lost. */
async function refuseList(layout: Layout, name: string): Promise<void> {
  const view = await openView(layout);
  const { entries } = await findConvention("regclient")!.detect(view);
  const list = entries.find(({ position }) => view.entries[position]?.tag === name);
  if (list === undefined) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `${name} is not untagged: it is the ${list.reason}`,
    { reason: "list-tag" },
    { hint: "Record its referrers in another way first: ocilot convert LAYOUT --to oras --only" },
  );
}
