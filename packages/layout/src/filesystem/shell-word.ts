/**
 * Returns `text` quoted for a POSIX shell, or as it is where it needs no quotes. For the commands in hints.
 * @example
 * ```ts
 * import { shellWord } from "@ocilot/layout";
 *
 * console.log(`rm -r ${shellWord("./my layout")}`); // rm -r './my layout'
 * ```
 */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
