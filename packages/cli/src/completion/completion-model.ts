import type { Command, Completion, Flag, Flags, Positional } from "../command-line/define-command.js";
import { globalOptions } from "../command-line/global-options.js";

/** What is known of a value: what it may be, or where to look. */
export interface ValueModel {
  readonly choices?: readonly string[];
  /** Several, separated by commas. */
  readonly list?: true;
  readonly complete: Completion;
}

/** An option as completion offers it. */
export interface OptionModel {
  readonly name: string;
  readonly alias?: string;
  readonly describe: string;
  /** May be given again. */
  readonly array?: true;
  /** Undefined for a switch. */
  readonly value?: ValueModel;
}

/** A command as completion offers it. */
export interface CommandModel {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly describe: string;
  readonly positionals: readonly ValueModel[];
  readonly variadic?: ValueModel;
  readonly options: readonly OptionModel[];
}

/** Returns what completion has to know of the commands, without loading them. */
export function completionModel(commands: readonly Command[]): CommandModel[] {
  return commands.map(({ name, aliases = [], describe, positionals, variadic, options }) => ({
    name,
    aliases,
    describe,
    positionals: Object.values(positionals).map(valueModel),
    ...(variadic !== undefined && { variadic: valueModel(variadic) }),
    options: optionModels({ ...options, ...globalOptions }),
  }));
}

/** Returns what completion has to know of options, `--help` included. */
export function optionModels(options: Flags): OptionModel[] {
  const models = Object.entries(options).map(([name, flag]): OptionModel => ({
    name,
    ...(flag.alias !== undefined && { alias: flag.alias }),
    describe: flag.describe,
    ...(flag.array === true && { array: true }),
    ...(flag.type === "string" && { value: valueModel(flag) }),
  }));
  return [...models, { name: "help", alias: "h", describe: "Print the help of a command" }];
}

function valueModel(given: Flag | Positional): ValueModel {
  const { choices, complete = "file" } = given;
  return { ...(choices !== undefined && { choices }), ...("list" in given && { list: true }), complete };
}
