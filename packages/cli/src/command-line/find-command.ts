import { OcilotError } from "@ocilot/layout/spec";
import { type CommandEntry, listCommands } from "./command-list.js";
import { nearest } from "../nearest.js";
import { OTHER_VERBS } from "./other-verbs.js";

/**
 * Returns the command of a name or alias.
 * @throws OcilotError `USAGE`, with a hint that names the command that was probably meant
 */
export async function findCommand(verb: string): Promise<CommandEntry> {
  const commands = await listCommands();
  const entry = commands.find((c) => c.name === verb || c.aliases.includes(verb));
  if (entry !== undefined) return entry;
  if (verb.startsWith("-"))
    throw new OcilotError(
      "USAGE",
      `unknown option before the command: ${verb}`,
      { argument: verb },
      { hint: "Options go after the command name." },
    );
  const names = commands.map((c) => c.name).toSorted();
  const near = nearest(verb, [...names, ...commands.flatMap((c) => c.aliases)]);
  const hint = OTHER_VERBS[verb] ?? (near === undefined ? `Commands are: ${names.join(", ")}.` : `Did you mean ${near}?`);
  throw new OcilotError("USAGE", `${verb} is not a command`, { argument: verb }, { hint });
}
