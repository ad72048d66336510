import { globalOptions } from "../command-line/global-options.js";
import { type CommandModel, type OptionModel, type ValueModel, optionModels } from "./completion-model.js";

/** What may stand in the place of the last word. */
export interface Candidate {
  readonly value: string;
  readonly describe?: string;
}

/** What a shell has to offer. */
export interface Offer {
  readonly candidates: readonly Candidate[];
  /** What the shell adds of its own: names of files, of directories, or nothing. */
  readonly paths: "files" | "directories" | "none";
  /** More follows the word: no space after it. */
  readonly isOpen: boolean;
}

/** Looks into layouts on the disk. */
export interface LayoutNames {
  /** Tags and digests behind `PATH:` or `PATH@`; undefined where the word names no layout yet. */
  references(word: string): Promise<readonly Candidate[] | undefined>;
  /** Platforms of the images of the layout that a reference names. */
  platforms(reference: string | undefined): Promise<readonly Candidate[]>;
}

const NOTHING: Offer = { candidates: [], paths: "none", isOpen: false };

/** Returns what may stand in the place of the last of `words`, which follow the name of the program. */
export async function complete(words: readonly string[], commands: readonly CommandModel[], names: LayoutNames): Promise<Offer> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const at = verbPosition(before);
  const verb = before[at];
  if (verb === undefined) return current.startsWith("-") ? offerOptions(topOptions(), current, []) : offerCommands(commands, current);
  const given = before.slice(at + 1);
  if (verb === "help") return offerCommands(commands, current);
  const command = commands.find((c) => c.name === verb || c.aliases.includes(verb));
  if (command === undefined) return NOTHING;
  const { positionals, pending, isEnded } = readWords(given, command.options);
  if (pending !== undefined) return await offerValue(pending, current, positionals, names);
  if (!isEnded && current.startsWith("-") && current !== "-") {
    const [, name, value] = /^--([^=]+)=(.*)$/s.exec(current) ?? [];
    if (name === undefined) return offerOptions(command.options, current, given);
    const option = command.options.find((o) => o.name === name);
    if (option?.value === undefined) return NOTHING;
    const offer = await offerValue(option.value, value!, positionals, names);
    return { ...offer, candidates: offer.candidates.map((c) => ({ ...c, value: `--${name}=${c.value}` })) };
  }
  const wanted = command.positionals[positionals.length] ?? command.variadic;
  return wanted === undefined ? NOTHING : await offerValue(wanted, current, positionals, names);
}

function topOptions(): OptionModel[] {
  return [...optionModels(globalOptions), { name: "version", describe: "Print the version" }];
}

/** The first word that is no global option, and no value of one. */
function verbPosition(words: readonly string[]): number {
  let at = 0;
  while (at < words.length && words[at]!.startsWith("-")) at += words[at] === "--log-format" ? 2 : 1;
  return at;
}

/** Takes the words of a command apart as far as it matters here. */
function readWords(
  words: readonly string[],
  options: readonly OptionModel[],
): { positionals: string[]; pending?: ValueModel; isEnded: boolean } {
  const positionals: string[] = [];
  let pending: ValueModel | undefined;
  let isEnded = false;
  for (const word of words) {
    if (pending !== undefined) pending = undefined;
    else if (!isEnded && word === "--") isEnded = true;
    else if (!isEnded && word.startsWith("-") && word !== "-") pending = pendingValue(word, options);
    else positionals.push(word);
  }
  return { positionals, ...(pending !== undefined && { pending }), isEnded };
}

function pendingValue(word: string, options: readonly OptionModel[]): ValueModel | undefined {
  if (word.startsWith("--")) return options.find((o) => `--${o.name}` === word)?.value;
  return options.find((o) => o.alias === word.at(-1))?.value;
}

function offerCommands(commands: readonly CommandModel[], current: string): Offer {
  const shown = commands.map(({ name, describe }) => ({ value: name, describe }));
  const aliases = commands.flatMap((c) => c.aliases.map((alias) => ({ value: alias, describe: `the same as ${c.name}` })));
  const matching = shown.filter((c) => c.value.startsWith(current));
  return { ...NOTHING, candidates: matching.length > 0 ? matching : aliases.filter((c) => c.value.startsWith(current)) };
}

function offerOptions(options: readonly OptionModel[], current: string, given: readonly string[]): Offer {
  const isUsed = (o: OptionModel): boolean => o.array !== true && given.includes(`--${o.name}`);
  const candidates = options
    .filter((o) => !isUsed(o) && `--${o.name}`.startsWith(current))
    .map((o) => ({ value: `--${o.name}`, describe: o.describe }));
  return { ...NOTHING, candidates };
}

async function offerValue(value: ValueModel, current: string, positionals: readonly string[], names: LayoutNames): Promise<Offer> {
  if (value.choices !== undefined) {
    const comma = value.list === true ? current.lastIndexOf(",") + 1 : 0;
    const taken = current.slice(0, comma).split(",");
    const fitting = value.choices.filter((c) => c.startsWith(current.slice(comma)) && !taken.includes(c));
    return { ...NOTHING, candidates: fitting.map((c) => ({ value: current.slice(0, comma) + c })), isOpen: value.list === true };
  }
  switch (value.complete) {
    case "none":
      return NOTHING;
    case "directory":
      return { ...NOTHING, paths: "directories" };
    case "platform": {
      const platforms = await names.platforms(positionals[0]);
      return { ...NOTHING, candidates: platforms.filter((c) => c.value.startsWith(current)) };
    }
    case "reference": {
      const found = await names.references(current);
      if (found === undefined) return { ...NOTHING, paths: "files", isOpen: true };
      return { ...NOTHING, candidates: found.filter((c) => c.value.startsWith(current)) };
    }
    case "layout":
    case "file":
      return { ...NOTHING, paths: "files" };
  }
}
