import yargs from "yargs";
import { unmark } from "./argv.js";
import type { Command, Flag, Flags } from "./define-command.js";
import { nearest } from "../nearest.js";
import { translateFailure } from "./yargs-messages.js";
import { usageError } from "./usage-error.js";

/** Arguments that have been checked against the command that they are for. */
export type Arguments = Parameters<Command["run"]>[0];

/** Values for options that the command line does not give: from variables and the configuration file. */
export type Defaults = Readonly<Record<string, unknown>>;

/**
 * Checks and types the arguments of a command with yargs. `argv` is marked (see `markValues`) and begins after the verb.
 * @throws OcilotError `USAGE`
 */
export async function parseArguments(command: Command, options: Flags, argv: readonly string[], defaults: Defaults): Promise<Arguments> {
  const failures: string[] = [];
  let found: Record<string, unknown> = {};
  await yargs([command.name, ...argv])
    .scriptName("ocilot")
    .detectLocale(false)
    .exitProcess(false)
    .help(false)
    .version(false)
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "short-option-groups": true,
    })
    .strict()
    // yargs goes on after each, so that of several mistakes the most telling is reported.
    .fail((message, error) => failures.push(message ?? error.message))
    .command({
      command: patternOf(command),
      builder: (y) => {
        for (const [name, positional] of Object.entries(command.positionals))
          y.positional(name, { type: "string", describe: positional.describe });
        if (command.variadic !== undefined) y.positional(command.variadic.name, { type: "string", array: true });
        return y.options(Object.fromEntries(Object.entries(options).map(([name, flag]) => [name, yargsOption(flag)]))).config(defaults);
      },
      handler: (values) => void (found = values),
    })
    .parseAsync();
  if (failures.length > 0) throw translateFailure(command, options, argv, failures);
  return complete(command, options, found);
}

/** `copy <src> <dst>`: every positional may be left out as far as yargs is concerned; `complete` says which is missing. */
function patternOf({ name, positionals, variadic }: Command): string {
  const words = Object.keys(positionals).map((key) => ` [${key}]`);
  return `${name}${words.join("")}${variadic === undefined ? "" : ` [${variadic.name}..]`}`;
}

/** `nargs` makes yargs refuse `--json=true`, and an option without its value. */
function yargsOption({ type, alias, array, conflicts, implies }: Flag): object {
  return {
    type,
    nargs: type === "boolean" ? 0 : 1,
    ...(alias !== undefined && { alias }),
    ...(array === true && { array: true }),
    ...(conflicts !== undefined && { conflicts: [...conflicts] }),
    ...(implies !== undefined && { implies: [...implies] }),
  };
}

/** Checks each value on its own, and fills in what was not given. */
function complete(command: Command, options: Flags, found: Readonly<Record<string, unknown>>): Arguments {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(options)) values[name] = valueOf(name, flag, found[name]);
  const { name: verb, variadic } = command;
  for (const [key, positional] of Object.entries(command.positionals)) {
    const value = typeof found[key] === "string" ? unmark(found[key]) : undefined;
    if (value === undefined && positional.optional !== true) throw usageError(`${verb} needs ${key.toUpperCase()}`, key);
    values[key] = checked(key, positional.choices, value);
  }
  const rest = ((variadic === undefined ? undefined : found[variadic.name]) ?? []) as string[];
  if (variadic !== undefined && rest.length < variadic.min) throw usageError(`${verb} needs ${variadic.name.toUpperCase()}`, variadic.name);
  values["rest"] = rest.map((value) => checked(variadic!.name, variadic!.choices, unmark(value)));
  return values as unknown as Arguments;
}

function checked(key: string, choices: readonly string[] | undefined, value: string | undefined): string | undefined {
  if (value === "") throw usageError(`${key.toUpperCase()} is empty`, key);
  if (value !== undefined && choices !== undefined) checkChoice(key.toUpperCase(), key, value, choices);
  return value;
}

function valueOf(name: string, flag: Flag, given: unknown): unknown {
  const all = (given === undefined ? [] : Array.isArray(given) ? given : [given]) as (string | boolean)[];
  if (flag.type === "boolean") return all.at(-1) ?? false;
  const values = all.map((value) => unmark(String(value)));
  const isMany = flag.array === true || flag.list === true;
  if (values.some((value) => value === "" || value.startsWith("-:"))) throw usageError(`--${name} needs a value`, name);
  if (!isMany && values.length > 1) throw usageError(`--${name} is given more than once`, name);
  if (values.length === 0) {
    if (flag.demandOption === true) throw usageError(`--${name} is required`, name);
    return flag.default === undefined || !isMany ? flag.default : [flag.default];
  }
  const split = flag.list === true ? values.flatMap((value) => value.split(",").map((part) => part.trim())) : values;
  for (const value of split) if (flag.choices !== undefined) checkChoice(`--${name}`, name, value, flag.choices);
  return isMany ? split : split[0];
}

function checkChoice(shown: string, argument: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  const near = nearest(value, choices);
  throw usageError(
    `${shown} cannot be ${value}`,
    argument,
    near === undefined ? `It is one of: ${choices.join(", ")}.` : `Did you mean ${near}?`,
  );
}
