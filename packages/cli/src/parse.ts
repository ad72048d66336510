import type { OcilotError } from "@ocilot/layout/spec";
import yargs, { type Argv } from "yargs";
import type { Command } from "./command.js";
import { suggest } from "./suggest.js";
import { usageError } from "./usage-error.js";

/** `-:text/plain` is standard input with a type; yargs would take it for an option. No argument can hold this character. */
const STDIN_MARK = "\0";

/** Arguments that have been checked against the command that they are for. */
export type Arguments = Parameters<Command["run"]>[0];

/**
 * Checks and types the arguments of a command.
 * @throws OcilotError `USAGE`
 */
export async function parseArguments(name: string, command: Command, argv: readonly string[]): Promise<Arguments> {
  const values = (await parserOf(command).parseAsync(argv.map((arg) => (arg.startsWith("-:") ? STDIN_MARK + arg : arg)))) as Record<
    string,
    unknown
  >;
  for (const [option, spec] of Object.entries(command.options)) {
    const value = values[option];
    if (spec.array !== true && Array.isArray(value)) throw usageError(`--${option} is given more than once`, option);
    if ([value].flat().includes("")) throw usageError(`--${option} needs a value`, option);
  }
  const absent = Object.entries(command.options).find(([option, { demandOption }]) => demandOption && values[option] === undefined);
  if (absent !== undefined) throw usageError(`--${absent[0]} is required`, absent[0]);
  const given = (values["_"] as unknown[]).map((value) => String(value).replace(STDIN_MARK, ""));
  const wanted = Object.keys(command.positionals);
  const { variadic } = command;
  const rest = given.slice(wanted.length);
  const [extra] = rest;
  if (extra !== undefined && variadic === undefined) throw usageError(`${name} does not take a further argument: ${extra}`, extra);
  const missing = wanted[given.length];
  if (missing !== undefined) throw usageError(`${name} needs ${missing.toUpperCase()}`, missing);
  if (variadic !== undefined && rest.length < variadic.min) throw usageError(`${name} needs ${variadic.name.toUpperCase()}`, variadic.name);
  if (given.includes("")) {
    const empty = wanted[given.indexOf("")] ?? variadic!.name;
    throw usageError(`${empty.toUpperCase()} is empty`, empty);
  }
  return { ...values, ...Object.fromEntries(wanted.map((key, i) => [key, given[i]])), rest } as unknown as Arguments;
}

function parserOf(command: Command): Argv {
  // What is required is checked after what is unknown, so that `--ot` is told from no `--to` at all.
  const options = Object.entries(command.options).map(([name, spec]) => {
    return [name, { ...spec, demandOption: false, requiresArg: spec.type !== "boolean" }] as const;
  });
  return yargs([])
    .scriptName("ocilot")
    .locale("en")
    .detectLocale(false)
    .help(false)
    .version(false)
    .exitProcess(false)
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      // `--convention oras REF` must not take REF for a second convention.
      "greedy-arrays": false,
      "parse-positional-numbers": false,
    })
    .options(Object.fromEntries(options))
    .strictOptions()
    .fail((message) => {
      throw toUsageError(message, Object.keys(command.options));
    });
}

/** What yargs says, in the words of this command line. */
function toUsageError(message: string, known: readonly string[]): OcilotError {
  const [, kind = "", names = ""] = /^(Unknown argument|Not enough arguments following)s?: (.+)$/s.exec(message) ?? [];
  const name = names.split(", ")[0]!;
  const dashed = name.length === 1 ? `-${name}` : `--${name}`;
  if (kind === "Unknown argument") {
    const near = suggest(name, known);
    const hint = near === undefined ? `Options are: ${known.map((k) => `--${k}`).join(", ")}.` : `Did you mean --${near}?`;
    return usageError(`unknown option ${dashed}`, name, hint);
  }
  if (kind === "Not enough arguments following") return usageError(`${dashed} needs a value`, name);
  return usageError(message.replaceAll(/\s+/g, " ").trim());
}
