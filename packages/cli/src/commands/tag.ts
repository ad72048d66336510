import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { platformOption } from "../options/platform.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { resolveIn } from "../reference/resolve.js";

export const command: Command = defineCommand({
  name: "tag",
  group: "Change",
  describe: "Add tags to a manifest",
  usage: "tag REF NAME... [--platform PLATFORM]",
  examples: [
    ["ocilot tag ./layout:v1 latest stable", "two more tags for an image"],
    ["ocilot tag ./layout@sha256:002f… v1", "a tag for an untagged manifest; what had the tag before stays, untagged"],
  ],
  seeAlso: ["untag", "ls"],
  positionals: { ref: { complete: "reference", describe: "LAYOUT:TAG or LAYOUT@DIGEST of a manifest" } },
  variadic: { name: "name", complete: "none", describe: "A new tag", min: 1 },
  options: { ...platformOption, ...writeOptions, ...registryOptions, ...jsonOption },

  async run(args, { io, out, signal }) {
    const { layout, reference } = await openReference(args.ref, {
      write: true,
      sync: !args["no-sync"],
      registry: registrySettings(args, io.env),
      signal,
    });
    const descriptor = await resolveIn(layout, reference, { platform: args.platform, signal });
    await layout.tag(descriptor, args.rest, { wait: waitOf(args.wait), signal });
    if (args.json) out.json({ digest: descriptor.digest, tags: args.rest });
    else for (const name of args.rest) out.say(`Tagged ${descriptor.digest} as ${name}`);
    return EXIT.ok;
  },
});
