import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { archiveOption, maxSizeOf } from "../options/archive.js";
import { openReference, resolveIn } from "../reference.js";

/** Up to here a blob is checked before its first byte is printed. */
const CHECK_FIRST_BYTES = 8 * 1024 * 1024;

export const cat: Command = defineCommand({
  usage: "cat REF",
  examples: [
    ["ocilot cat ./layout:v1", "the manifest behind a tag"],
    ["ocilot cat ./layout@sha256:4e1f… > layer.tar.gz", "any blob; exit 4 if its digest is not right"],
  ],
  notes: "A blob over 8 MiB is checked while it is printed: look at the exit code before you use it.",
  positionals: { ref: { describe: "LAYOUT:TAG or LAYOUT@DIGEST; the digest of anything in the layout" } },
  options: { ...archiveOption },

  async run(args, { io, signal }) {
    const { layout, reference } = await openReference(args.ref, { maxSize: maxSizeOf(args["max-size"]), signal });
    const descriptor = await resolveIn(layout, reference);
    const isSmall = descriptor.size <= CHECK_FIRST_BYTES;
    const content = isSmall ? Readable.from([await layout.blobs.bytes(descriptor)]) : await layout.blobs.open(descriptor);
    await pipeline(content, io.stdout, { end: false, signal });
    return EXIT.ok;
  },
});
