import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { platformOption } from "../options/platform.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { resolveIn } from "../reference/resolve.js";

/** Up to this size a blob is checked before its first byte is printed. */
const CHECK_FIRST_BYTES = 8 * 1024 * 1024;

export const command: Command = defineCommand({
  name: "cat",
  aliases: ["fetch"],
  group: "Read",
  describe: "Print a blob after checking its size and digest",
  usage: "cat REF [--platform PLATFORM]",
  examples: [
    ["ocilot cat ./layout:v1", "the manifest behind a tag"],
    ["ocilot cat ./layout@sha256:4e1f… > layer.tar.gz", "any blob; exit 4 if its digest does not match"],
  ],
  notes: ["A blob over 8 MiB is checked while it is printed: check the exit code before you use it."],
  seeAlso: ["extract"],
  positionals: { ref: { complete: "reference", describe: "LAYOUT:TAG or LAYOUT@DIGEST, the digest of any blob in the layout" } },
  options: { ...platformOption, ...archiveOption, ...registryOptions },

  async run(args, { io, signal }) {
    const { layout, reference } = await openReference(args.ref, {
      maxSize: maxSizeOf(args["max-size"]),
      registry: registrySettings(args, io.env),
      signal,
    });
    const descriptor = await resolveIn(layout, reference, { platform: args.platform, signal });
    const isSmall = descriptor.size <= CHECK_FIRST_BYTES;
    const content = isSmall ? Readable.from([await layout.blobs.bytes(descriptor)]) : await layout.blobs.open(descriptor);
    await pipeline(content, io.stdout, { end: false, signal });
    return EXIT.ok;
  },
});
