import { detach } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { resolveIn } from "../reference/resolve.js";

export const command: Command = defineCommand({
  name: "detach",
  group: "Change",
  describe: "Remove a referrer from every convention that lists it",
  usage: "detach LAYOUT@DIGEST [--recursive]",
  examples: [
    ["ocilot detach ./layout@sha256:b238…", "remove an SBOM from every convention that lists it"],
    ["ocilot detach ./layout@sha256:b238… --recursive", "and whatever refers to the SBOM"],
  ],
  notes: ["The manifest is removed; its layers stay until ocilot gc removes them."],
  exitCodes: { 6: "refused: a tag or a signed index holds it, or it has referrers of its own" },
  seeAlso: ["attach", "gc"],
  positionals: { ref: { complete: "reference", describe: "LAYOUT@DIGEST of the referrer" } },
  options: {
    recursive: { type: "boolean", alias: "r", describe: "Detach referrers of the referrer too" },
    ...writeOptions,
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const { layout, reference } = await openReference(args.ref, {
      write: true,
      sync: !args["no-sync"],
      registry: registrySettings(args, io.env),
      signal,
    });
    const { digest } = await resolveIn(layout, reference, { signal });
    const result = await detach(layout, digest, { recursive: args.recursive, wait: waitOf(args.wait), signal });
    if (args.json) out.json(result);
    else for (const { referrer, subject } of result.removed) out.say(`Detached ${referrer} from ${subject}`);
    return EXIT.ok;
  },
});
