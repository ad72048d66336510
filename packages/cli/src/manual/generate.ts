import { listCommands } from "../command-line/command-list.js";
import { type CommandModel, completionModel } from "../completion/completion-model.js";
import { VERSION } from "../version.js";
import { helpOf, overview } from "./help.js";
import { type ManPage, manPages } from "./man-page.js";

/** What the build puts in place of modules that would load every command. */
export interface Generated {
  readonly commands: readonly { readonly name: string; readonly aliases: readonly string[] }[];
  /** By command; the overview under the empty name. */
  readonly help: Readonly<Record<string, string>>;
  readonly completion: readonly CommandModel[];
  readonly manual: readonly ManPage[];
}

/** Returns everything that is made of the definitions of the commands. */
export async function generate(): Promise<Generated> {
  const commands = await Promise.all((await listCommands()).map((entry) => entry.load()));
  return {
    commands: commands.map(({ name, aliases = [] }) => ({ name, aliases })),
    completion: completionModel(commands),
    manual: manPages(commands, VERSION),
    help: Object.fromEntries([["", overview(commands)], ...commands.map((c) => [c.name, helpOf(c)] as const)]),
  };
}
