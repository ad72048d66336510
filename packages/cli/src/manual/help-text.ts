import { listCommands } from "../command-line/command-list.js";
import { helpOf, overview } from "./help.js";

/** Returns the help of a command, or of ocilot. The bundle holds the finished texts in place of this module (build.mjs). */
export async function helpText(name?: string): Promise<string> {
  const commands = await Promise.all((await listCommands()).map((entry) => entry.load()));
  if (name === undefined) return overview(commands);
  return helpOf(commands.find((c) => c.name === name)!);
}
