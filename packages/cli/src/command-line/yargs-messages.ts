import type { OcilotError } from "@ocilot/layout/spec";
import { unmark } from "./argv.js";
import type { Command, Flags } from "./define-command.js";
import { nearest } from "../nearest.js";
import { usageError } from "./usage-error.js";

/** What yargs says, in the order in which it is worth telling. */
const UNKNOWN = /^Unknown arguments?: ([\s\S]*)$/;
const VALUE_MISSING = /^Not enough arguments following: (.*)$/;
const VALUE_UNEXPECTED = /^Argument unexpected for: (.*)$/;
const EXCLUSIVE = /^Arguments (.*) and (.*) are mutually exclusive$/;
const IMPLIED = /(\S+) -> (\S+)/;

/** Returns the error to report for what yargs found wrong with a command line. */
export function translateFailure(
  command: Command,
  options: Flags,
  argv: readonly string[],
  failures: readonly string[],
): OcilotError<"USAGE"> {
  const matched = (pattern: RegExp): RegExpExecArray | undefined =>
    failures.map((text) => pattern.exec(text) ?? undefined).find((match) => match !== undefined);
  const long = (name: string): string => `--${Object.keys(options).find((key) => options[key]!.alias === name) ?? name}`;
  const value = matched(VALUE_MISSING) ?? matched(VALUE_UNEXPECTED);
  if (value !== undefined) {
    const isMissing = VALUE_MISSING.test(value[0]);
    return usageError(`${long(value[1]!)} ${isMissing ? "needs a value" : "takes no value"}`, value[1]);
  }
  const unknown = matched(UNKNOWN);
  if (unknown !== undefined) return unknownArgument(command, options, argv, unknown[1]!);
  const exclusive = matched(EXCLUSIVE);
  if (exclusive !== undefined) {
    const [, one, other] = exclusive.map((name) => shown(command, name));
    return usageError(`${one} and ${other} exclude each other`, exclusive[1]);
  }
  const implied = matched(IMPLIED);
  if (implied !== undefined) return usageError(`${shown(command, implied[1]!)} needs ${shown(command, implied[2]!)} as well`, implied[1]);
  return usageError(failures[0]!);
}

function shown(command: Command, name: string): string {
  const isPositional = name in command.positionals || name === command.variadic?.name;
  return isPositional ? name.toUpperCase() : `--${name}`;
}

function unknownArgument(command: Command, options: Flags, argv: readonly string[], list: string): OcilotError<"USAGE"> {
  const names = list.split(", ");
  const isOption = (arg: string): boolean => arg.startsWith("-") && arg.length > 1;
  const given = argv.find((arg) => isOption(arg) && names.some((name) => arg === `--${name}` || arg.startsWith(`--${name}=`)));
  const letter = argv.find((arg) => /^-[^-]/.test(arg) && names.some((name) => name.length === 1 && arg.includes(name)));
  if (given === undefined && letter === undefined) {
    const [first] = names;
    const extra = argv.find((arg) => arg === first) ?? unmark(first!);
    return usageError(`${command.name} does not take a further argument: ${unmark(extra)}`, extra);
  }
  const known = Object.keys(options);
  const name = given === undefined ? names.find((n) => n.length === 1 && letter!.includes(n))! : given.slice(2).split("=", 1)[0]!;
  if (name === "wait" && given !== undefined)
    return usageError(
      `${command.name} has no --wait`,
      name,
      "--wait is for commands that write to a layout; this one waits for no other writer.",
    );
  const near = given === undefined ? undefined : nearest(name, known);
  const hint = near === undefined ? `Options are: ${known.map((k) => `--${k}`).join(", ")}.` : `Did you mean --${near}?`;
  return usageError(`unknown option ${given === undefined ? `-${name}` : `--${name}`}`, name, hint);
}
