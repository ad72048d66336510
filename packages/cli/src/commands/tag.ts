import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { printable } from "../printable.js";
import { openReference, resolveIn } from "../reference.js";
import { renderJson } from "../render/json.js";

export const tag: Command = defineCommand({
  usage: "tag REF NAME...",
  examples: [
    ["ocilot tag ./layout:v1 latest stable", "two more names for an image"],
    ["ocilot tag ./layout@sha256:002f… v1", "a name for what had none; whatever was v1 stays, untagged"],
  ],
  positionals: { ref: { describe: "LAYOUT:TAG or LAYOUT@DIGEST of a manifest" } },
  variadic: { name: "name", describe: "The new tag", min: 1 },
  options: { ...writeOptions, ...jsonOption },

  async run(args, { io, signal }) {
    const { layout, reference } = await openReference(args.ref, { sync: !args["no-sync"] });
    const descriptor = await resolveIn(layout, reference);
    await layout.tag(descriptor, args.rest, { wait: waitOf(args.wait), signal });
    if (args.json) print(io, renderJson({ digest: descriptor.digest, tags: args.rest }));
    else for (const name of args.rest) print(io, `${printable(name)} is ${descriptor.digest}`);
    return EXIT.ok;
  },
});
