import { UNSAFE } from "./printable.js";

/** Returns an argument as a person can paste it into a POSIX shell; one that needs no quotes stays as it is. */
export function shellQuote(argument: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(argument)) return argument;
  if (argument.search(UNSAFE) < 0) return `'${argument.replaceAll("'", String.raw`'\''`)}'`;
  // Only this form can name a control without holding one: $'\x1b'.
  const escaped = argument.replace(/['\\]/g, "\\$&").replace(UNSAFE, (c) => Array.from(Buffer.from(c), hexByte).join(""));
  return `$'${escaped}'`;
}

/** Returns a command line with every argument quoted. */
export function commandLine(...words: readonly string[]): string {
  return words.map(shellQuote).join(" ");
}

function hexByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
