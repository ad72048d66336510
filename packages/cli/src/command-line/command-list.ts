import { readdirSync } from "node:fs";
import type { Command } from "./define-command.js";

/** A command before it is loaded. */
export interface CommandEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  load(): Promise<Command>;
}

/**
 * Returns every command: one for each file in `commands/`, which exports it as `command`. The bundle holds a table in place
 * of this module, so that a command is loaded only when it runs (build.mjs).
 */
export async function listCommands(): Promise<readonly CommandEntry[]> {
  const files = readdirSync(new URL("../commands/", import.meta.url)).filter((name) => name.endsWith(".ts"));
  return await Promise.all(files.map((file) => entryOf(file.slice(0, -3))));
}

async function entryOf(name: string): Promise<CommandEntry> {
  const { command } = (await import(`../commands/${name}.ts`)) as { command: Command };
  return { name, aliases: command.aliases ?? [], load: () => Promise.resolve(command) };
}
