import { parseArgs } from "node:util";
import type { OcilotError } from "@ocilot/layout/spec";
import type { Command } from "./command.js";
import { suggest } from "./suggest.js";
import { usageError } from "./usage-error.js";

/** `-:text/plain` is standard input with a type; a parser would take it for an option. No argument can hold this character. */
const STDIN_MARK = "\0";

/** Arguments that have been checked against the command that they are for. */
export type Arguments = Parameters<Command["run"]>[0];

type Given = readonly (string | boolean)[];

/**
 * Checks and types the arguments of a command.
 * @throws OcilotError `USAGE`
 */
export function parseArguments(name: string, command: Command, argv: readonly string[]): Arguments {
  const { values: found, positionals } = split(command, argv);
  const values: Record<string, unknown> = {};
  for (const [option, flag] of Object.entries(command.options)) {
    const all: Given = found[option] ?? [];
    if (flag.type === "string" && flag.array !== true && all.length > 1) throw usageError(`--${option} is given more than once`, option);
    if (all.includes("")) throw usageError(`--${option} needs a value`, option);
    // What is required is checked after what is unknown, so that `--ot` is told from no `--to` at all.
    if (flag.demandOption === true && all.length === 0) throw usageError(`--${option} is required`, option);
    values[option] = all.length === 0 ? flag.default : flag.array === true ? all : all[0];
  }
  const given = positionals.map((value) => value.replace(STDIN_MARK, ""));
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

function split(command: Command, argv: readonly string[]): { values: Record<string, Given | undefined>; positionals: string[] } {
  const options = Object.entries(command.options).map(([name, { type }]) => [name, { type }] as const);
  const args = argv.map((arg) => (arg.startsWith("-:") ? STDIN_MARK + arg : arg));
  const { tokens, positionals } = parseArgs({ args, options: Object.fromEntries(options), strict: false, tokens: true });
  const values: Record<string, (string | boolean)[]> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const flag = Object.hasOwn(command.options, name) && rawName.startsWith("--") ? command.options[name] : undefined;
    if (flag === undefined) throw unknownOption(name, rawName, Object.keys(command.options));
    if (flag.type === "boolean" && value !== undefined) throw usageError(`${rawName} takes no value`, name);
    const isNextOption = inlineValue === false && (value.startsWith(STDIN_MARK) || (value.startsWith("-") && value.length > 1));
    if (flag.type === "string" && (value === undefined || isNextOption)) throw usageError(`${rawName} needs a value`, name);
    (values[name] ??= []).push(value ?? true);
  }
  return { values, positionals };
}

function unknownOption(name: string, rawName: string, known: readonly string[]): OcilotError {
  const near = suggest(name, known);
  const hint = near === undefined ? `Options are: ${known.map((k) => `--${k}`).join(", ")}.` : `Did you mean --${near}?`;
  return usageError(`unknown option ${rawName}`, name, hint);
}
