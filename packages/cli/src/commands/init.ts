import { Layout } from "@ocilot/layout";
import { refuseArchive } from "../reference/archive-suffix.js";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { jsonOption } from "../options/json.js";

export const command: Command = defineCommand({
  name: "init",
  group: "Move",
  describe: "Create an empty layout",
  usage: "init DIR",
  examples: [["ocilot init ./layout", "an empty layout in a new or empty directory"]],
  seeAlso: ["copy"],
  positionals: { dir: { complete: "directory", describe: "The directory; created if it does not exist" } },
  options: { ...jsonOption },

  async run({ dir, json }, { out }) {
    refuseArchive(dir, "dir");
    await Layout.create(dir);
    if (json) out.json({ layout: dir });
    else out.say(`Created an empty layout in ${dir}`);
    return EXIT.ok;
  },
});
