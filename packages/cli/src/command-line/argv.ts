/** Stands before an argument that a parser would take for an option. No argument of a process can hold this character. */
const MARK = "\0";

/**
 * Returns the arguments with a mark before each that is a value although it begins with a dash: `-` (a stream),
 * `-:text/plain`, and all that follows `--`.
 */
export function markValues(argv: readonly string[]): string[] {
  const end = endOfOptions(argv);
  const before = argv.slice(0, end).map((arg) => (/^-($|:)/.test(arg) ? MARK + arg : arg));
  return [...before, ...argv.slice(end + 1).map((arg) => MARK + arg)];
}

/** Returns a value without its mark. */
export function unmark(value: string): string {
  return value.startsWith(MARK) ? value.slice(MARK.length) : value;
}

/** Tells whether an option stands among the arguments, by its name or its letter (`-j`, also within `-qj`). */
export function hasOption(argv: readonly string[], name: string, letter?: string): boolean {
  const options = argv.slice(0, endOfOptions(argv));
  return options.some((arg) => arg === `--${name}` || (letter !== undefined && /^-[A-Za-z]+$/.test(arg) && arg.includes(letter)));
}

/** Tells whether an option stands among the arguments, with or without a value behind an equals sign. */
export function isGiven(argv: readonly string[], name: string, letter?: string): boolean {
  return hasOption(argv, name, letter) || argv.slice(0, endOfOptions(argv)).some((arg) => arg.startsWith(`--${name}=`));
}

function endOfOptions(argv: readonly string[]): number {
  const end = argv.indexOf("--");
  return end < 0 ? argv.length : end;
}
