import type { ExitCode } from "./exit-code.js";
import type { Context } from "./io.js";

/** A call that works as it is written, and what it does. */
export type Example = readonly [call: string, effect: string];

/** An option. One with a value says in help what the value is; an array may be given more than once. */
export interface Flag {
  readonly type: "boolean" | "string";
  readonly describe: string;
  readonly placeholder?: string;
  readonly array?: true;
  readonly default?: boolean | string;
  readonly demandOption?: true;
}

type Positionals = Readonly<Record<string, { readonly describe: string }>>;
type Flags = Readonly<Record<string, Flag>>;

type Single<F extends Flag> = F["type"] extends "boolean" ? boolean : string;
type Given<F extends Flag> = F extends { readonly array: true } ? Single<F>[] : Single<F>;
type ValueOf<F extends Flag> = F extends { readonly default: boolean | string } | { readonly demandOption: true }
  ? Given<F>
  : Given<F> | undefined;

/** What a command is called with: one value for each positional and option, checked by the parser. */
export type ArgumentsOf<P extends Positionals, F extends Flags> = {
  readonly [Name in keyof P]: string;
} & { readonly rest: readonly string[] } & { readonly [Name in keyof F]: ValueOf<F[Name]> };

/** A command as its file in `commands/` describes it. */
export interface CommandSpec<P extends Positionals, F extends Flags> {
  /** One line, without `ocilot`: `cat REF`. */
  readonly usage: string;
  readonly examples: readonly Example[];
  /** Said at the end of the help: the exit codes that are special, what a format means. */
  readonly notes?: string;
  /** In their order; all are required. */
  readonly positionals: P;
  /** What may follow them, as often as the user likes; `rest` among the arguments. */
  readonly variadic?: { readonly name: string; readonly describe: string; readonly min: number };
  readonly options: F;
  run(args: ArgumentsOf<P, F>, context: Context): Promise<ExitCode>;
}

/** Any command, once its own types are checked. */
export type Command = CommandSpec<Positionals, Flags>;

/** Describes a command; `run` gets the types of its own positionals and options. */
export function defineCommand<const P extends Positionals, const F extends Flags>(spec: CommandSpec<P, F>): Command {
  return spec as unknown as Command;
}
