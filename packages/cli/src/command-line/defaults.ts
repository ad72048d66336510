import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OcilotError, isOcilotError } from "@ocilot/layout/spec";
import { isGiven } from "./argv.js";
import { CONFIGURABLE, OTHER_VARIABLES, VALUES_OF_ALL } from "./configurable.js";
import type { Flag, Flags } from "./define-command.js";
import { nearest } from "../nearest.js";
import type { Defaults } from "./parse-arguments.js";
import { usageError } from "./usage-error.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the defaults of a command are for. */
export interface DefaultsRequest {
  readonly command: string;
  /** The names of all commands. */
  readonly commands: readonly string[];
  readonly options: Flags;
  /** The arguments after the verb: what they give is not set again, and nothing that excludes it is set. */
  readonly argv: readonly string[];
  readonly env: Environment;
}

/** Defaults for the options of a command. */
export interface ConfiguredDefaults {
  readonly values: Defaults;
  /** Where each value comes from: `OCILOT_WAIT`, or the file and the member. */
  readonly origins: Readonly<Record<string, string>>;
  /** Variables that have no effect although they look like settings. */
  readonly warnings: readonly string[];
}

interface Setting {
  readonly name: string;
  readonly value: unknown;
  readonly origin: string;
  /** Set for every command: left out where the command does not know the value. */
  readonly isShared: boolean;
}

/**
 * Returns the values that `OCILOT_…` variables and the configuration file give to the options of a command that may be
 * set so; a variable overrides the file. The file is a JSON object of option names, with `commands` for single commands.
 * @throws OcilotError `USAGE` for a value or a name that is wrong, `PATH_NOT_FOUND` for a file named by `OCILOT_CONFIG`
 */
export function defaultsFor({ command, commands, options, argv, env }: DefaultsRequest): ConfiguredDefaults {
  const names = Object.keys(options).filter((name) => options[name]!.configurable === true);
  const settings = [...fromVariables(names, options, env), ...fromFile(readConfiguration(env), { command, commands, names, options })];
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const seen = new Set<string>();
  // What has precedence comes first.
  for (const { name, value, origin, isShared } of settings) {
    if (seen.has(name)) continue;
    const flag = options[name]!;
    if (!isValid(flag, value)) {
      if (isShared && isValid({ ...flag, choices: VALUES_OF_ALL[name] ?? flag.choices ?? [] }, value)) continue;
      throw invalidValue(flag, value, origin);
    }
    seen.add(name);
    const others = Object.keys(options).filter((other) => excludes(options, name, other));
    if (value === false || others.some((other) => other in values || isGiven(argv, other, options[other]!.alias))) continue;
    values[name] = value;
    origins[name] = origin;
  }
  return { values, origins, warnings: idleVariables(options, env) };
}

/** Returns an error about the value of an option that came from a default, with the variable or file that sets it; other errors as they are. */
export function withOrigin(error: unknown, origins: ConfiguredDefaults["origins"], argv: readonly string[]): unknown {
  if (!isOcilotError(error, "USAGE")) return error;
  const { argument } = error.details;
  const origin = argument === undefined || !Object.hasOwn(origins, argument) || isGiven(argv, argument) ? undefined : origins[argument];
  if (origin === undefined) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new OcilotError("USAGE", `${error.message} (set by ${origin})`, error.details, { ...hint, cause: error });
}

function excludes(options: Flags, one: string, other: string): boolean {
  return one !== other && (options[one]!.conflicts?.includes(other) === true || options[other]!.conflicts?.includes(one) === true);
}

function isValid({ choices, list }: Flag, value: unknown): boolean {
  return choices === undefined || typeof value === "boolean" || partsOf(value, list === true).every((part) => choices.includes(part));
}

function partsOf(value: unknown, isList: boolean): string[] {
  const all = (Array.isArray(value) ? value : [value]).map(String);
  return isList ? all.flatMap((text) => text.split(",").map((part) => part.trim())) : all;
}

function invalidValue({ choices = [], list }: Flag, value: unknown, origin: string): OcilotError<"USAGE"> {
  const wrong = partsOf(value, list === true).find((part) => !choices.includes(part))!;
  const near = nearest(wrong, choices);
  return usageError(
    `${origin} cannot be ${wrong}`,
    origin,
    near === undefined ? `It is one of: ${choices.join(", ")}.` : `Did you mean ${near}?`,
  );
}

/** Returns a warning for each variable that is near an option, or names one that only the command line can give. */
function idleVariables(options: Flags, env: Environment): string[] {
  const known = [...CONFIGURABLE, ...OTHER_VARIABLES];
  const warnings: string[] = [];
  for (const variable of Object.keys(env).toSorted()) {
    if (!variable.startsWith("OCILOT_") || (env[variable] ?? "") === "") continue;
    const name = variable.slice("OCILOT_".length).toLowerCase().replaceAll("_", "-");
    if (known.includes(name) && variable === variableOf(name)) continue;
    if (Object.hasOwn(options, name)) warnings.push(`${variable} has no effect: --${name} can be given on the command line only`);
    else {
      const near = nearest(name, known);
      if (near !== undefined) warnings.push(`${variable} has no effect. Did you mean ${variableOf(near)}?`);
    }
  }
  return warnings;
}

function fromVariables(names: readonly string[], options: Flags, env: Environment): Setting[] {
  return names.flatMap((name) => {
    const variable = env[variableOf(name)];
    if (variable === undefined || variable === "") return [];
    return { name, value: variableValue(name, options, variable), origin: variableOf(name), isShared: true };
  });
}

interface FileRequest extends Pick<DefaultsRequest, "command" | "commands" | "options"> {
  /** The options of the command that may be set. */
  readonly names: readonly string[];
}

function fromFile(configuration: Configuration | undefined, { command, commands, names, options }: FileRequest): Setting[] {
  if (configuration === undefined) return [];
  const { path, content } = configuration;
  const { commands: perCommand = {}, ...common } = content;
  if (!isObject(perCommand))
    throw usageError(`${path}: commands is not an object`, path, 'Write it like {"commands": {"ls": {"json": true}}}.');
  for (const name of Object.keys(common))
    if (!CONFIGURABLE.includes(name)) throw unknownMember(path, name, [...CONFIGURABLE, "commands"], "which is not an option to configure");
  for (const [name, own] of Object.entries(perCommand)) {
    if (!commands.includes(name)) throw unknownMember(path, `commands.${name}`, commands, "which is not a command");
    if (!isObject(own))
      throw usageError(`${path}: commands.${name} is not an object`, path, `Write it like {"commands": {"${name}": {"json": true}}}.`);
  }
  const own = (perCommand[command] ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(own))
    if (!names.includes(name))
      throw unknownMember(path, `commands.${command}.${name}`, names, `which is not an option to configure for ${command}`);
  return [own, common].flatMap((members, i) =>
    names
      .filter((name) => Object.hasOwn(members, name))
      .map((name) => {
        const origin = `${path}: ${i === 0 ? `commands.${command}.` : ""}${name}`;
        return { name, value: memberValue(origin, options[name]!, members[name]), origin, isShared: i === 1 };
      }),
  );
}

function unknownMember(path: string, member: string, known: readonly string[], what: string): OcilotError<"USAGE"> {
  const near = nearest(member.split(".").at(-1)!, known);
  return usageError(
    `${path} sets ${member}, ${what}`,
    member,
    near === undefined ? `Known are: ${known.join(", ")}.` : `Did you mean ${near}?`,
  );
}

/** Returns the variable that sets an option: `OCILOT_NO_SYNC`. */
export function variableOf(option: string): string {
  return `OCILOT_${option.toUpperCase().replaceAll("-", "_")}`;
}

/** Returns where the configuration file is, or undefined where no home directory is known. */
export function configurationPath(env: Environment): string | undefined {
  if (env["OCILOT_CONFIG"]) return env["OCILOT_CONFIG"];
  const home = env["XDG_CONFIG_HOME"] || env["APPDATA"] || (env["HOME"] && join(env["HOME"], ".config"));
  return home ? join(home, "ocilot", "config.json") : undefined;
}

interface Configuration {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
}

function readConfiguration(env: Environment): Configuration | undefined {
  const path = configurationPath(env);
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && !env["OCILOT_CONFIG"]) return undefined;
    throw code === "ENOENT"
      ? new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path }, { hint: "OCILOT_CONFIG names it." })
      : error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return { path, content: value };
  } catch (error) {
    throw usageError(`${path} is not JSON: ${(error as Error).message}`, path);
  }
  throw usageError(`${path} is not a JSON object`, path, 'Write it like {"wait": "60", "commands": {"copy": {"convention": ["oras"]}}}.');
}

function memberValue(origin: string, { type, array, list }: Flag, value: unknown): unknown {
  if (type === "boolean") {
    if (typeof value === "boolean") return value;
    throw usageError(`${origin} is ${JSON.stringify(value)}, not true or false`, origin);
  }
  const many = Array.isArray(value) && (array === true || list === true) ? (value as unknown[]) : [value];
  if (many.every((v) => typeof v === "string" || typeof v === "number"))
    return array === true ? many.map(String) : many.map(String).join(",");
  throw usageError(`${origin} is ${JSON.stringify(value)}, not text`, origin);
}

function variableValue(name: string, options: Flags, value: string): unknown {
  const { type, array } = options[name]!;
  if (type === "string") return array === true ? value.split(",") : value;
  if (["1", "true", "yes"].includes(value)) return true;
  if (["0", "false", "no"].includes(value)) return false;
  throw usageError(`${variableOf(name)} is ${JSON.stringify(value)}, not 1 or 0`, name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
