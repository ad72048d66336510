import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OcilotError } from "@ocilot/layout/spec";
import type { Flags } from "./define-command.js";
import type { Defaults } from "./parse-arguments.js";
import { nearest } from "../nearest.js";
import { usageError } from "./usage-error.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the values that `OCILOT_…` variables and the configuration file give to the options of a command that may be
 * set so; a variable overrides the file. The file is a JSON object of option names, with `commands` for single commands.
 * @throws OcilotError `USAGE` for a value or a name that is wrong, `PATH_NOT_FOUND` for a file named by `OCILOT_CONFIG`
 */
export function defaultsFor(command: string, options: Flags, env: Environment): Defaults {
  const names = Object.keys(options).filter((name) => options[name]!.configurable === true);
  const values: Record<string, unknown> = {};
  const { commands, ...common } = readConfiguration(env) ?? {};
  const own = isObject(commands) && isObject(commands[command]) ? commands[command] : {};
  for (const name of names) {
    const configured = own[name] ?? common[name];
    const variable = env[variableOf(name)];
    if (configured !== undefined) values[name] = fromFile(name, options, configured);
    if (variable !== undefined && variable !== "") values[name] = fromVariable(name, options, variable);
  }
  const unknown = Object.keys(own).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, names);
    const hint = near === undefined ? `${command} can be configured with: ${names.join(", ")}.` : `Did you mean ${near}?`;
    throw usageError(`the configuration file sets ${unknown} for ${command}, which is not an option to configure`, unknown, hint);
  }
  return values;
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

function readConfiguration(env: Environment): Record<string, unknown> | undefined {
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
    if (isObject(value)) return value;
  } catch (error) {
    throw usageError(`${path} is not JSON: ${(error as Error).message}`, path);
  }
  throw usageError(`${path} is not a JSON object`, path, 'Write it like {"wait": "60", "commands": {"copy": {"convention": ["oras"]}}}.');
}

function fromFile(name: string, options: Flags, value: unknown): unknown {
  const { type, array, list } = options[name]!;
  if (type === "boolean") {
    if (typeof value === "boolean") return value;
    throw usageError(`the configuration file sets ${name} to ${JSON.stringify(value)}, not to true or false`, name);
  }
  const many = Array.isArray(value) && (array === true || list === true) ? (value as unknown[]) : [value];
  if (many.every((v) => typeof v === "string" || typeof v === "number"))
    return array === true ? many.map(String) : many.map(String).join(",");
  throw usageError(`the configuration file sets ${name} to ${JSON.stringify(value)}, not to text`, name);
}

function fromVariable(name: string, options: Flags, value: string): unknown {
  const { type, array } = options[name]!;
  if (type === "string") return array === true ? value.split(",") : value;
  if (["1", "true", "yes"].includes(value)) return true;
  if (["0", "false", "no"].includes(value)) return false;
  throw usageError(`${variableOf(name)} is ${JSON.stringify(value)}, not 1 or 0`, name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
