import { type IndexSnapshot, OcilotError, entriesNamed, imageNameOf, isNameEnd, parseReference } from "@ocilot/layout";
import { type LayoutView, findConvention, openView } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { commandLine } from "../render/shell-quote.js";
import { usageError } from "../command-line/usage-error.js";

export const command: Command = defineCommand({
  name: "untag",
  group: "Change",
  describe: "Remove a tag; the manifest is kept",
  usage: "untag LAYOUT:TAG",
  examples: [["ocilot untag ./layout:v1", "the manifest stays in the layout, untagged"]],
  exitCodes: { 6: "refused: the tag belongs to a list of referrers" },
  seeAlso: ["tag", "gc"],
  positionals: { ref: { complete: "reference", describe: "LAYOUT:TAG" } },
  options: { ...writeOptions, ...registryOptions, ...jsonOption },

  async run(args, { io, out, signal }) {
    const { rest, text } = parseReference(args.ref);
    if (!rest.startsWith(":") || rest === ":") throw usageError(`${text} has no tag`, "ref", "Write LAYOUT:TAG.");
    const name = rest.slice(1);
    const { layout } = await openReference(args.ref, {
      write: true,
      sync: !args["no-sync"],
      registry: registrySettings(args, io.env),
      signal,
    });
    const view = await openView(layout);
    await refuseList(view, name, layout.location);
    const after = await layout.untag(name, { wait: waitOf(args.wait), signal });
    const left = new Set(namesIn(after));
    const gone = [...new Set(namesIn(view))].filter((held) => !left.has(held));
    if (args.json) out.json({ tags: gone });
    else for (const held of gone) out.say(`Removed the tag ${held}`);
    return EXIT.ok;
  },
});

/** The names of each entry, in full: a tag that is the end of the image name is told by that. */
function namesIn({ entries }: Pick<IndexSnapshot, "entries">): string[] {
  return entries.flatMap((entry) => {
    const names = [imageNameOf(entry), entry.tag].flatMap((name) => name ?? []);
    return names.filter((name, i) => i === 0 || !isNameEnd(names[0], name));
  });
}

/** A list of referrers is found by its tag only: without it, what only the list records would be lost. */
async function refuseList(view: LayoutView, name: string, location: string): Promise<void> {
  const { entries } = await findConvention("regclient")!.detect(view);
  const named = new Set(entriesNamed(view, name).map((e) => e.position));
  const list = entries.find(({ position }) => named.has(position));
  if (list === undefined) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `${name} is not untagged: it is the ${list.reason}`,
    { reason: "list-tag" },
    {
      hint: `Record its referrers in another convention first: ${commandLine("ocilot", "convert", location, "--to", "oras", "--only")}`,
    },
  );
}
