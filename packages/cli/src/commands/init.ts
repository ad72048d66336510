import { Layout } from "@ocilot/layout";
import { type Command, defineCommand } from "../command.js";
import { EXIT } from "../exit-code.js";
import { print } from "../io.js";
import { jsonOption } from "../options/json.js";
import { printable } from "../printable.js";
import { renderJson } from "../render/json.js";

export const init: Command = defineCommand({
  usage: "init DIR",
  examples: [["ocilot init ./layout", "an empty layout in a directory that is empty or new"]],
  positionals: { dir: { describe: "The directory; made if it does not exist" } },
  options: { ...jsonOption },

  async run({ dir, json }, { io }) {
    await Layout.create(dir);
    print(io, json ? renderJson({ layout: dir }) : printable(`Made an empty layout in ${dir}`));
    return EXIT.ok;
  },
});
