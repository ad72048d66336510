import { detach } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { waitOf, writeOptions } from "../options/write.js";
import { openReference, resolveIn } from "../reference.js";
import { renderJson } from "../render/json.js";

export const detachCommand: Command = defineCommand({
  usage: "detach LAYOUT@DIGEST [--recursive]",
  examples: [
    ["ocilot detach ./layout@sha256:b238…", "take an SBOM out of every convention that lists it"],
    ["ocilot detach ./layout@sha256:b238… --recursive", "and what refers to it"],
  ],
  notes:
    "The manifest is removed; its layers stay until ocilot gc. Exit 6: a tag or a signed index holds it, or it has referrers of its own.",
  positionals: { ref: { describe: "LAYOUT@DIGEST of the referrer" } },
  options: {
    recursive: { type: "boolean", default: false, describe: "Detach the referrers of the referrer too" },
    ...writeOptions,
    ...jsonOption,
  },

  async run(args, { io, signal }) {
    const { layout, reference } = await openReference(args.ref, { sync: !args["no-sync"] });
    const { digest } = await resolveIn(layout, reference);
    const result = await detach(layout, digest, { recursive: args.recursive, wait: waitOf(args.wait), signal });
    if (args.json) print(io, renderJson(result));
    else for (const { referrer, subject } of result.removed) print(io, `Detached ${referrer} from ${subject}`);
    return EXIT.ok;
  },
});
