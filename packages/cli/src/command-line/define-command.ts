import type { ExitCode } from "../exit-code.js";
import type { Context } from "./context.js";

/** A call that works as it is written, and what it does. */
export type Example = readonly [call: string, effect: string];

/** What a value can be completed to; the files of the current directory where nothing is said. */
export type Completion = "file" | "directory" | "reference" | "layout" | "platform" | "none";

/** An option: what yargs takes, and what help, manual pages and completion say about it. */
export interface Flag {
  readonly type: "boolean" | "string";
  readonly describe: string;
  /** One letter. */
  readonly alias?: string;
  /** What the value is called in help: `DIR`. */
  readonly placeholder?: string;
  /** May be given more than once. */
  readonly array?: true;
  /** A value may hold several, separated by commas. */
  readonly list?: true;
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly demandOption?: true;
  readonly conflicts?: readonly string[];
  readonly implies?: readonly string[];
  /** The heading in help under which it stands. */
  readonly group?: string;
  readonly complete?: Completion;
  /** May be set by an `OCILOT_…` variable and in the configuration file. */
  readonly configurable?: true;
}

/** An argument by position. */
export interface Positional {
  readonly describe: string;
  readonly optional?: true;
  readonly choices?: readonly string[];
  readonly complete?: Completion;
}

/** Options by name, as a file in `options/` gives them. */
export type Flags = Readonly<Record<string, Flag>>;
export type Positionals = Readonly<Record<string, Positional>>;

type Single<F extends Flag> = F["type"] extends "boolean" ? boolean : string;
type Given<F extends Flag> = F extends { readonly array: true } | { readonly list: true } ? Single<F>[] : Single<F>;
type ValueOf<F extends Flag> = F extends { readonly default: string } | { readonly demandOption: true } | { readonly type: "boolean" }
  ? Given<F>
  : Given<F> | undefined;

/** What a command is called with: one value for each positional and option, checked by the parser. */
export type ArgumentsOf<P extends Positionals, F extends Flags> = {
  readonly [Name in keyof P]: P[Name] extends { readonly optional: true } ? string | undefined : string;
} & { readonly rest: readonly string[] } & { readonly [Name in keyof F]: ValueOf<F[Name]> };

/** The headings under which `ocilot --help` lists commands, in this order. */
export const COMMAND_GROUPS = ["Read", "Change", "Move", "Check", "Other"] as const;

/** A command as its file in `commands/` describes it; the file is named after it. */
export interface CommandSpec<P extends Positionals, F extends Flags> {
  readonly name: string;
  /** Other names that people type for it. */
  readonly aliases?: readonly string[];
  readonly group: (typeof COMMAND_GROUPS)[number];
  /** One line for the list of commands. */
  readonly describe: string;
  /** The synopsis, without `ocilot`: `cat REF`. */
  readonly usage: string;
  readonly examples: readonly Example[];
  /** Paragraphs after the options: what a format means, what is not done. */
  readonly notes?: readonly string[];
  /** What the exit codes other than 0 to 5 mean for this command. */
  readonly exitCodes?: Readonly<Partial<Record<ExitCode, string>>>;
  readonly seeAlso?: readonly string[];
  /** In their order. */
  readonly positionals: P;
  /** What may follow them, as often as the user likes; `rest` among the arguments. */
  readonly variadic?: Positional & { readonly name: string; readonly min: number };
  readonly options: F;
  run(args: ArgumentsOf<P, F>, context: Context): Promise<ExitCode>;
}

/** Any command, once its own types are checked. */
export type Command = CommandSpec<Positionals, Flags>;

/** Returns a command whose `run` gets the types of its own positionals and options. */
export function defineCommand<const P extends Positionals, const F extends Flags>(spec: CommandSpec<P, F>): Command {
  return spec as unknown as Command;
}
