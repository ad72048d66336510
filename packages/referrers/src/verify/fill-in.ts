/**
 * Returns a command with its placeholders replaced (`LAYOUT`, `DIGEST`, `REFERRER`, `SUBJECT`, `TAG`, `FILE`), each word that had one quoted where a shell
 * needs it. A placeholder without a value stays.
 */
export function fillIn(command: string, values: Readonly<Record<string, string | undefined>>): string {
  return command
    .split(" ")
    .map((word) => {
      const filled = word.replaceAll(/\b(?:LAYOUT|DIGEST|REFERRER|SUBJECT|TAG|FILE)\b/g, (name) => values[name] ?? name);
      return filled === word ? word : shellWord(filled);
    })
    .join(" ");
}

/** Returns text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
