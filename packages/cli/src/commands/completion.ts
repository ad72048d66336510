import { type Command, defineCommand } from "../command-line/define-command.js";
import { SHELLS, completionScript } from "../completion/scripts.js";
import { EXIT } from "../exit-code.js";

export const command: Command = defineCommand({
  name: "completion",
  group: "Other",
  describe: "Print a completion script for bash, zsh, fish or PowerShell",
  usage: "completion SHELL",
  examples: [
    ["ocilot completion bash > ~/.local/share/bash-completion/completions/ocilot", "for bash, in every new shell"],
    ["ocilot completion zsh > ~/.zfunc/_ocilot", "for zsh, if ~/.zfunc is in fpath"],
    ["ocilot completion fish > ~/.config/fish/completions/ocilot.fish", "for fish"],
    ["ocilot completion powershell >> $PROFILE", "for PowerShell"],
  ],
  notes: [
    "Completes commands, options, their values, paths, and the tags, digests and platforms of the layout or tar being typed. No request is sent. The script for PowerShell was not tried in a real PowerShell.",
  ],
  positionals: { shell: { choices: SHELLS, complete: "none", describe: "The shell" } },
  options: {},

  run({ shell }, { out }) {
    out.print(completionScript(shell as (typeof SHELLS)[number]).trimEnd());
    return Promise.resolve(EXIT.ok);
  },
});
